"""One folder per page: `page.py` names it `PAGE`, `page.html.j2` is what it fills."""
