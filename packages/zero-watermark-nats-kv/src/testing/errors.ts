/**
 * What went wrong with a test server.
 *
 * - `ERR_NATS_SERVER_NOT_FOUND`: there is no such binary, or it cannot be run
 * - `ERR_NATS_SERVER_TOO_OLD`: it is older than the oldest supported version
 * - `ERR_NATS_SERVER_EXITED`: it ended before it was ready, most often because of its configuration
 * - `ERR_NATS_SERVER_PORT_TAKEN`: another process has its port
 * - `ERR_NATS_SERVER_TIMEOUT`: it was not ready in time
 * - `ERR_NATS_SERVER_STOPPED`: it was stopped for good and cannot be used any more
 */
export type NatsServerErrorCode =
    | 'ERR_NATS_SERVER_NOT_FOUND'
    | 'ERR_NATS_SERVER_TOO_OLD'
    | 'ERR_NATS_SERVER_EXITED'
    | 'ERR_NATS_SERVER_PORT_TAKEN'
    | 'ERR_NATS_SERVER_TIMEOUT'
    | 'ERR_NATS_SERVER_STOPPED';

/** A test server could not be found, started or used. The message ends with the server's last log lines, if it has any. */
export class NatsServerError extends Error {
    override readonly name = 'NatsServerError';

    constructor(
        readonly code: NatsServerErrorCode,
        message: string,
        options?: ErrorOptions
    ) {
        super(message, options);
    }
}
