"""Live figures: networks that run in the page. One module here and one script in book/site/live for each."""
