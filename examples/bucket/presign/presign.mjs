// Prints a presigned URL that uploads one object: node presign.mjs BUCKET KEY [ENDPOINT]
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const [bucket, object, endpoint = "http://127.0.0.1:9000"] = process.argv.slice(2);

const S3 = new S3Client({
  endpoint,
  credentials: {
    accessKeyId: "local",
    secretAccessKey: "not-a-secret",
  },
  region: "auto",
});

const url = await getSignedUrl(
  S3,
  new PutObjectCommand({
    Bucket: bucket,
    Key: object,
  }),
  {
    expiresIn: 60 * 60 * 24 * 7, // 7d
  },
);
console.log(url);
