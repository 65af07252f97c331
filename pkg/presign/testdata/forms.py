"""Writes forms.json: forms as botocore presigns them.

    python3 -m venv venv && venv/bin/pip install botocore==1.44.5
    venv/bin/python forms.py > forms.json

"botocore" is what generate_presigned_post returns. "policy" is the same policy
in the spelling of this package, and "signature" botocore's signature of it.
"""

import base64
import datetime
import hashlib
import json
import sys

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.session
import botocore.signers

NOW = datetime.datetime(2026, 11, 21, 12, 0, 0, tzinfo=datetime.timezone.utc)
botocore.auth.get_current_datetime = lambda *_: NOW
botocore.signers.get_current_datetime = lambda *_: NOW

SUM = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
KMS = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

FORMS = [
    {"name": "the least", "key": "a.txt", "min": 0, "max": 1, "contentType": "text/plain", "token": "", "life": 60},
    {
        "name": "everything", "key": "users/alice/a b+c.txt", "min": 5, "max": 5368709120, "contentType": "text/plain; charset=utf-8",
        "sha256": SUM, "metadata": {"album": "7", "note": "a & b <c>"}, "tags": {"team": "media", "städte/é": "a=b c"},
        "disposition": "attachment; filename=\"x.txt\"", "cacheControl": "private, max-age=60", "kms": KMS, "token": "token", "life": 604800,
    },
    {"name": "a difficult key", "key": "ключ/鍵/🔑 *?%2A\"\\'&<>{filename}$ .png", "min": 1, "max": 10, "contentType": "image/png", "token": "token", "life": 1},
    {"name": "a local server", "key": "a", "min": 0, "max": 9, "contentType": "a/b", "endpoint": "http://127.0.0.1:8602", "token": "token", "life": 60},
]


def fields_of(form):
    fields = {"Content-Type": form["contentType"], "success_action_status": "201"}
    if "sha256" in form:
        fields |= {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": form["sha256"]}
    if "disposition" in form:
        fields["Content-Disposition"] = form["disposition"]
    if "cacheControl" in form:
        fields["Cache-Control"] = form["cacheControl"]
    if "tags" in form:
        tags = "".join(f"<Tag><Key>{k}</Key><Value>{form['tags'][k]}</Value></Tag>" for k in sorted(form["tags"]))
        fields["tagging"] = f"<Tagging><TagSet>{tags}</TagSet></Tagging>"
    if "kms" in form:
        fields |= {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": form["kms"]}
    return fields | {"x-amz-meta-" + k: v for k, v in form.get("metadata", {}).items()}


def spell(document):
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return base64.b64encode(text.encode()).decode()


def presign(form):
    credentials = botocore.credentials.Credentials("test", "test", form["token"] or None)
    session = botocore.session.Session()
    client = session.create_client(
        "s3", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test",
        aws_session_token=form["token"] or None, endpoint_url=form.get("endpoint"),
        config=botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "path" if "endpoint" in form else "virtual"}),
    )
    fields = fields_of(form)
    conditions = [{name: value} for name, value in fields.items()] + [["content-length-range", form["min"], form["max"]]]
    theirs = client.generate_presigned_post("media", form["key"], fields, conditions, form["life"])
    sent = {k: v for k, v in theirs["fields"].items() if k not in ("policy", "x-amz-signature")}
    policy = spell({
        "expiration": (NOW + datetime.timedelta(seconds=form["life"])).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "conditions": [["eq", "$bucket", "media"], ["content-length-range", form["min"], form["max"]]]
        + [["eq", "$" + name, sent[name]] for name in sorted(sent)],
    })
    request = botocore.awsrequest.AWSRequest()
    request.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    signature = botocore.auth.S3SigV4PostAuth(credentials, "s3", "eu-central-1").signature(policy, request)
    return form | {"botocore": theirs, "policy": policy, "signature": signature}


json.dump([presign(form) for form in FORMS], sys.stdout, indent=1, ensure_ascii=False)
print()
