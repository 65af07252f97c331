"""moto's server, with KMS's Sign put right: moto knows no MessageType DIGEST
and would hash the digest again. The keys, and everything else, are moto's."""

import base64
import json
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.kms.models import ValidationException
from moto.kms.responses import KmsResponse
from moto.server import main


def sign(self):
    algorithm = self._get_param("SigningAlgorithm")
    key = self.kms_backend.describe_key(self._get_param("KeyId"))
    if key.key_usage != "SIGN_VERIFY" or algorithm not in key.signing_algorithms:
        raise ValidationException(f"{algorithm} is not for this key")
    message = self._get_param("Message")  # moto has decoded it
    digest = hashes.SHA256()
    if self._get_param("MessageType") == "DIGEST":
        if len(message) != digest.digest_size:
            raise ValidationException("Digest is invalid length for algorithm " + algorithm)
        digest = Prehashed(digest)
    private = key.private_key.private_key
    if algorithm == "ECDSA_SHA_256":
        signature = private.sign(message, ec.ECDSA(digest))
    elif algorithm == "RSASSA_PKCS1_V1_5_SHA_256":
        signature = private.sign(message, padding.PKCS1v15(), digest)
    else:
        raise ValidationException(algorithm + " is not used here")
    return json.dumps({"KeyId": key.arn, "Signature": base64.b64encode(signature).decode(), "SigningAlgorithm": algorithm})


KmsResponse.sign = sign
main(sys.argv[1:])
