"""Who signs: boto3's client, as an application on a server has it."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config


def client(endpoint: str, access_key: str, secret_key: str) -> Any:
    """boto3's client for this endpoint."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name="auto",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
