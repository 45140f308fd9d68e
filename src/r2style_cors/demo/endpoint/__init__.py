"""A small S3-compatible endpoint: objects on disk, presigned URLs, and a CORS policy for each bucket."""
