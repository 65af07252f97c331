"""Signs a URL with botocore's CloudFrontSigner, under a custom policy.

Arguments: URL, key id, file of an RSA key in PKCS#1, beginning and end in
seconds since 1970, address range. Standard output gets the signed URL.
"""

import datetime
import sys

import rsa
from awscli.botocore.signers import CloudFrontSigner

url, key_id, key_file, begins, ends, address = sys.argv[1:]
with open(key_file, "rb") as file:
    key = rsa.PrivateKey.load_pkcs1(file.read())
signer = CloudFrontSigner(key_id, lambda message: rsa.sign(message, key, "SHA-1"))


def at(seconds):
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)


policy = signer.build_policy(url, at(ends), date_greater_than=at(begins), ip_address=address)
sys.stdout.write(signer.generate_presigned_url(url, policy=policy))
