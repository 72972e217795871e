"""What can be broken in a running lab, shown, and put back."""
