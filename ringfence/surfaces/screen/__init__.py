"""The phone's screen as a pure thing: menus as data, keys in, a picture out."""
