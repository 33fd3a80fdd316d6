import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { openWatermarkStore, type WatermarkService } from '@cbnsndwch/zero-watermark-nats-kv/store';

import type { DemoOptions } from './arguments.js';
import type { Board } from './board.js';
import type { Cleanup } from './cleanup.js';
import { Fleet } from './fleet.js';
import { BUCKET, keyOf, STREAM } from './layout.js';
import { type Servers, startServers } from './servers.js';

/** Everything that the demo plays on. */
export interface Stage {
    readonly servers: Servers;
    readonly stream: JetStreamClient;
    readonly manager: JetStreamManager;
    readonly watermarks: WatermarkService;
    readonly fleet: Fleet;
    /** Where the instances keep their ledgers and logs. */
    readonly directory: string;
}

/** Starts servers, makes stream and bucket, and connects; `cleanup` learns how to undo each step. */
export async function setStage(
    options: DemoOptions,
    cleanup: Cleanup,
    onFailure: (error: Error) => void,
    onWarning: (message: string) => void
): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'zero-watermark-demo-'));
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    const servers = await startServers(options);
    cleanup.defer(() => servers.stop());

    const connection = await connect({
        servers: [...servers.urls],
        name: 'demo',
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250
    });
    cleanup.defer(() => connection.close());
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: STREAM, subjects: [keyOf('*')], num_replicas: servers.replicas });

    const store = await openWatermarkStore({
        servers: [...servers.urls],
        bucket: BUCKET,
        replicas: servers.replicas,
        name: 'demo table',
        logger: { warn: onWarning, error: onWarning }
    });
    cleanup.defer(() => store.close());
    const fleet = new Fleet(onFailure);
    cleanup.defer(() => fleet.killAll());
    return { servers, stream: jetstream(connection), manager, watermarks: store.watermarks, fleet, directory };
}

/** Keeps the board up to date with the bucket, until the signal aborts. */
export async function follow(watermarks: WatermarkService, board: Board, signal: AbortSignal): Promise<void> {
    for await (const event of watermarks.watchAll({ prefix: keyOf(''), includeCurrent: true, signal })) {
        if (event.type === 'set') {
            board.apply(event.watermark, performance.now());
        }
    }
}
