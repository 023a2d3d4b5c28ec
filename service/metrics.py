"""`/metrics`, for Prometheus. The proxy keeps it from the public."""

import asyncio

from quart import Blueprint, Response

from service.http.operation import operation
from service.observability.metrics import CONTENT_TYPE, exposition

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@operation(returns={200: str}, credential="none", exempt=True)
async def metrics() -> Response:
    """Metrics.

    Requests by route, method and status, their durations, and the store of rate limits.
    """
    # In a thread: with several processes it reads the files of all of them.
    return Response(await asyncio.to_thread(exposition), content_type=CONTENT_TYPE)
