"""One module for each change of the schema; none of them is ever edited again."""
