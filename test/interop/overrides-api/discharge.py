"""The client and the single-sign-on server of the overrides' API, with pymacaroons: reads a JSON object from standard input.

With "find": the caveat id of the root's third-party caveat for a location.
With "key": a discharge by that key, bound to the root, as an Authorization header.
"""
import json
import sys

from pymacaroons import Macaroon

asked = json.load(sys.stdin)
root = Macaroon.deserialize(asked["root"])
caveats = [caveat for caveat in root.caveats if caveat.location == asked["location"]]
assert len(caveats) == 1, "one caveat for the server"
if "key" not in asked:
    print(caveats[0].caveat_id)
    sys.exit(0)
discharge = Macaroon(
    location=asked["location"],
    identifier=caveats[0].caveat_id,
    key=bytes.fromhex(asked["key"]),
)
for caveat in asked["caveats"]:
    discharge.add_first_party_caveat(asked["location"] + "|" + caveat)
if asked.get("narrow"):
    root.add_first_party_caveat(asked["narrow"])
bound = root.prepare_for_request(discharge) if asked.get("bind", True) else discharge
print('Macaroon root="%s", discharge="%s"' % (root.serialize(), bound.serialize()))
