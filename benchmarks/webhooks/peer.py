"""The peer: FastAPI as its documentation shows it, the reference library for the signature, one XADD a request."""

import os
import sys

import redis.asyncio
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from benchmarks.webhooks.candidates import CONNECTIONS, PATH, PEERS_ENTRIES, SECRET


def application(redis_url: str) -> FastAPI:
    """Return the application."""
    app = FastAPI()
    client = redis.asyncio.Redis.from_url(redis_url, max_connections=CONNECTIONS)
    webhook = Webhook(SECRET)

    @app.post(PATH, status_code=202)
    async def take(request: Request) -> dict[str, str]:
        body = await request.body()
        try:
            webhook.verify(body, dict(request.headers))
        except WebhookVerificationError as error:
            raise HTTPException(401) from error
        await client.xadd(PEERS_ENTRIES, {"id": request.headers["webhook-id"], "body": body})
        return {"id": request.headers["webhook-id"], "status": "accepted"}

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(os.environ["DATASTREAM_REDIS_URL"]),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
