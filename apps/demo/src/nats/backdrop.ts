import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { openWatermarkStore } from '@cbnsndwch/zero-watermark-nats-kv/store';

import type { Backdrop, BackdropOptions } from '../backdrop.js';
import { keyOf } from '../layout.js';
import { JetStreamQuakes } from './jetstream-quakes.js';
import { BUCKET, STREAM } from './names.js';
import { NodeCrash } from './node-crash.js';
import { describeServers, startServers } from './servers.js';

/** Starts servers, makes stream and bucket, and connects. */
export async function openNatsBackdrop({ options, cleanup, signal, logger }: BackdropOptions): Promise<Backdrop> {
    const servers = await startServers(options, signal);
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
        logger
    });
    cleanup.defer(() => store.close());
    return {
        description: describeServers(servers),
        config: { store: 'nats', servers: servers.urls, replicas: servers.replicas },
        watermarks: store.watermarks,
        stream: new JetStreamQuakes(jetstream(connection)),
        outage: new NodeCrash(servers, manager)
    };
}
