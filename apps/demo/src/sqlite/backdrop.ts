import { join } from 'node:path';
import { openWatermarkStore } from '@cbnsndwch/zero-watermark-zqlite/store';

import type { Backdrop, BackdropOptions } from '../backdrop.js';
import { FileQuakes } from './file-quakes.js';
import { WriteLock } from './write-lock.js';

/** Makes two files. There is no server. */
export async function openSqliteBackdrop({ cleanup, directory, logger }: BackdropOptions): Promise<Backdrop> {
    const database = join(directory, 'watermarks.db');
    const events = join(directory, 'earthquakes.jsonl');
    const stream = new FileQuakes(events);
    cleanup.defer(() => stream.close());
    const store = await openWatermarkStore({ database, logger });
    cleanup.defer(() => store.close());
    const outage = new WriteLock(database);
    cleanup.defer(() => outage.stop());
    return {
        description: 'no server runs: watermarks are kept in an SQLite file, and the stream is a file too',
        config: { store: 'sqlite', database, events },
        watermarks: store.watermarks,
        stream,
        outage
    };
}
