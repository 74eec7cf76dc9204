"""An S3 of this process, on loopback, that says who asked it for what."""

import os
import threading

__all__ = ["DRIVER", "S3"]

#: What the driver's own requests bear, and those of workers do not.
DRIVER = "the-driver-itself"


class S3:
    """Serves until `close`; `asked`: (method, path, range, whether the driver asks)."""

    bucket = "bucket"

    def __init__(self):
        import s3fs
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, *told):
                """Nobody reads it."""

        app = DomainDispatcherApplication(create_backend_app)

        def noting(environ, start_response):
            agent = environ.get("HTTP_USER_AGENT", "")
            self.asked.append(
                (
                    environ["REQUEST_METHOD"],
                    environ["PATH_INFO"],
                    environ.get("HTTP_RANGE"),
                    DRIVER in agent,
                )
            )
            return app(environ, start_response)

        self.asked = []
        self._server = make_server(
            "127.0.0.1", 0, noting, threaded=True, request_handler=Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._server.port}",
            "AWS_SDK_UA_APP_ID": DRIVER,
        }
        self.storage = s3fs.S3FileSystem()
        self.storage.mkdir(self.bucket)
        # Read when a process first asks: those that are started from now on have none.
        del os.environ["AWS_SDK_UA_APP_ID"]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
