"""Who runs chunks: the threads of this process, or workers behind a broker. The database holds the truth either way."""
