"""A publisher on snapcraft's own client library: logs in, uploads, releases and looks, as snapcraft's on-prem mode does.

Usage: publish.py STORE ADMIN_MACAROON SNAP_NAME SNAP_FILE. Prints one JSON object with what it saw.
"""

import json
import pathlib
import sys
import time

import craft_store
import pymacaroons
from craft_store import endpoints, errors
from craft_store.models import release_request_model, revisions_model, snap_list_releases_model

ON_PREM = endpoints.Endpoints(
    namespace="snap",
    whoami="/v1/tokens/whoami",
    tokens="/v1/tokens/offline/exchange",
    tokens_exchange="/v1/tokens/offline/exchange",
    valid_package_types=["snap"],
    list_releases_model=snap_list_releases_model.ListReleasesModel,
)


class OnPremPublisher(craft_store.BaseClient):
    """The library's client with the log-in of the on-prem mode: one exchange, and the token as it is."""

    def __init__(self, store: str, admin_macaroon: str) -> None:
        super().__init__(
            base_url=f"{store}/publishergw",
            storage_base_url=store,
            endpoints=ON_PREM,
            application_name="airlock-interop",
            user_agent="airlock-interop",
            ephemeral=True,
        )
        self._admin_macaroon = admin_macaroon

    def _get_macaroon(self, token_request) -> str:
        response = self.http_client.request(
            "POST", self._base_url + self._endpoints.tokens, json={"macaroon": self._admin_macaroon}
        )
        return str(response.json()["macaroon"])

    def _get_discharged_macaroon(self, root_macaroon: str, **kwargs) -> str:
        return root_macaroon

    def _get_authorization_header(self) -> str:
        return f"macaroon {self._auth.get_credentials()}"


def until_reviewed(client: OnPremPublisher, status_url: str) -> dict:
    """The review of an upload once it is over; the client library's own rule is one revision in each answer."""
    while True:
        answer = client.request("GET", client._base_url + status_url).json()["revisions"]
        assert len(answer) == 1, answer
        if answer[0]["status"] in ("approved", "rejected"):
            return answer[0]
        time.sleep(0.2)


def refusal(call) -> str:
    """The first code of the error that a call must end with."""
    try:
        call()
    except errors.StoreServerError as error:
        return str(error).splitlines()[1].removeprefix("- ").partition(":")[0]
    raise SystemExit("the store accepted what it must refuse")


def main() -> None:
    store, admin_macaroon, name, file = sys.argv[1:]
    macaroon = pymacaroons.Macaroon.deserialize(admin_macaroon)
    client = OnPremPublisher(store, admin_macaroon)
    client.login(permissions=[], description="interop", ttl=3600)
    upload_id = client.upload_file(filepath=pathlib.Path(file))
    request = revisions_model.RevisionsRequestModel(**{"upload-id": upload_id})
    review = until_reviewed(client, client.notify_revision(name=name, revision_request=request).status_url)
    release = lambda channel: client.release(  # noqa: E731
        name=name,
        release_request=[
            release_request_model.ReleaseRequestModel(channel=channel, revision=review["revision"])
        ],
    )
    release("edge")
    narrowed = pymacaroons.Macaroon.deserialize(admin_macaroon)
    narrowed.add_first_party_caveat('airlock|channel|["beta"]')
    weak = OnPremPublisher(store, narrowed.serialize())
    weak.login(permissions=[], description="interop", ttl=3600)
    releases = client.get_list_releases(name=name)
    print(
        json.dumps(
            {
                "version": macaroon.version,
                "caveats": [caveat.caveat_id for caveat in macaroon.caveats],
                "whoami": client.whoami(),
                "review": review,
                "revisions": [revision.revision for revision in client.list_revisions(name)],
                "channels": [[item.channel, item.revision] for item in releases.channel_map],
                "types": [revision.type.value for revision in releases.revisions],
                "refused": refusal(
                    lambda: weak.release(
                        name=name,
                        release_request=[
                            release_request_model.ReleaseRequestModel(channel="edge", revision=review["revision"])
                        ],
                    )
                ),
                "unknown": refusal(lambda: client.get_list_releases(name="not-mine")),
            }
        )
    )


main()
