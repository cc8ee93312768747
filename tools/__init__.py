"""Tools of the house: they run, check and measure the book. Nothing in course_pkg imports them."""
