import assert from 'node:assert/strict';

import { openWatermarkStore as openNats } from '@cbnsndwch/zero-watermark-nats-kv/store';
import { openWatermarkStore as openSqlite } from '@cbnsndwch/zero-watermark-zqlite/store';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import Sqlite from '@rocicorp/zero-sqlite3';

import type { Block, Plan } from './plan.js';
import { runScript } from './run-block.js';
import type { Scene } from './scene.js';

/** Entries as the existing packages store them. */
const EXISTING = [
    ['zero_app-0.lsn', '02'],
    ['zero_app-0.8265A0', '01'],
    ['zero_app-0.01', '8265A0'],
    ['zero_app-0.8265B0', '02'],
    ['zero_app-0.02', '8265B0']
] as const;

/** The blocks of docs/moving.md: before each, what it moves is put where it moves it from. */
export const movingPlans: Readonly<Record<string, Plan>> = {
    'docs/moving.md # From SQLite to NATS': {
        run: withBlock(async (scene, run) => {
            const given: string[] = [];
            {
                await using sqlite = await openSqlite({ database: scene.path('watermarks.db') });
                await sqlite.watermarks.set('orders', '0042', { count: 7 });
                given.push(await sqlite.resumeTokens.beginSync('my-app-0', 'binlog.000007:1542'));
                given.push(
                    ...(await sqlite.resumeTokens.getOrCreateWatermarks('my-app-0', [
                        'binlog.000007:1542',
                        'binlog.000007:1688'
                    ]))
                );
            }
            await run();
            await using nats = await openNats({ servers: [scene.url], bucket: scene.bucket });
            const point = await nats.resumeTokens.resume('my-app-0', given[2]);
            assert.deepEqual(point, { kind: 'resume', resumeToken: 'binlog.000007:1688' });
            assert.deepEqual((await nats.watermarks.get('orders'))?.data, { count: 7 });
        })
    },
    'docs/moving.md # Back, from NATS to SQLite': {
        run: withBlock(async (scene, run) => {
            await using nats = await openNats({ servers: [scene.url], bucket: scene.bucket });
            await nats.resumeTokens.getOrCreateWatermark('my-app-0', 'binlog.000007:1542');
            await nats.watermarks.set('orders', '0042');
            await run();
            await using sqlite = await openSqlite({ database: scene.path('new-watermarks.db') });
            assert.equal((await sqlite.watermarks.get('orders'))?.version, '0042');
        })
    },
    'docs/moving.md # Through files': {
        run: withBlock(async (scene, run) => {
            await scene.watermarks.set('orders', '0042');
            await run();
        })
    },
    'docs/moving.md # From the existing packages': {
        run: withBlock(async (scene, run) => {
            const nc = await connect({ servers: scene.url });
            const existing = await new Kvm(nc).create(scene.existing);
            for (const [key, value] of EXISTING) {
                await existing.put(key, value);
            }
            await nc.close();
            await run();
        })
    },
    'docs/moving.md # From the existing packages (2)': {
        run: withBlock(async (scene, run) => {
            const connection = new Sqlite(scene.path('existing.db'));
            connection.exec('CREATE TABLE zero_kv (key TEXT PRIMARY KEY, value TEXT)');
            const insert = connection.prepare<[string, string]>('INSERT INTO zero_kv (key, value) VALUES (?, ?)');
            EXISTING.forEach(([key, value]) => insert.run(key, key.endsWith('.lsn') ? '01' : value));
            connection.close();
            await run();
            await using sqlite = await openSqlite({ database: scene.path('watermarks.db') });
            assert.equal(await sqlite.resumeTokens.getResumeToken('app-0', '02'), '8265B0');
        })
    }
};

function withBlock(play: (scene: Scene, run: () => Promise<void>) => Promise<void>) {
    return (scene: Scene, block: Block) => play(scene, () => runScript(block, scene));
}
