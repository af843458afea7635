"""Where records come from: REST APIs, page by page, window by window."""
