import { mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { WatermarkErrorCode } from '../src/store.js';
import { eventually, Place, recordLog, rejectionOf } from './support/place.js';

/** Puts a link that leads to itself in the place of a folder: nothing below it can be looked at, until it is undone. */
function hide(folder: string) {
    const away = `${folder}-away`;
    renameSync(folder, away);
    symlinkSync(folder, folder);
    return () => {
        unlinkSync(folder);
        renameSync(away, folder);
    };
}

test('a file that can’t be looked at for a moment fails what is written then, and keeps nobody from writing later', async () => {
    await using place = new Place();
    const folder = join(place.folder, 'data');
    mkdirSync(folder);
    const options = { database: join(folder, 'watermarks.db'), busyTimeoutMs: 1_000, history: 5 };
    const [store, other] = [await place.open(options), await place.open(options)];
    await store.watermarks.set('users', 'v1');
    const token = await store.resumeTokens.getOrCreateWatermark('s', 'a');
    const show = hide(folder);
    const outcomes = await Promise.allSettled([
        store.watermarks.set('users', 'v2'),
        store.watermarks.create('orders', 'v1'),
        store.watermarks.clear(),
        store.resumeTokens.getOrCreateWatermarks('s', ['b', 'c']),
        store.resumeTokens.beginSync('s', 'd'),
        store.resumeTokens.abandon('s'),
        store.resumeTokens.provision(['t']),
        other.watermarks.set('users', 'v3')
    ]);
    show();
    const refused = { status: 'rejected', reason: { code: WatermarkErrorCode.UNAVAILABLE } };
    expect(outcomes).toMatchObject(outcomes.map(() => refused));
    await other.watermarks.set('users', 'v4');
    await store.watermarks.set('users', 'v5');
    expect((await store.watermarks.history('users')).map(({ version }) => version)).toEqual(['v1', 'v4', 'v5']);
    expect([...(await other.watermarks.getAll()).keys()]).toEqual(['users']);
    expect(await other.resumeTokens.head('s')).toEqual({ watermark: token, resumeToken: 'a' });
    expect((await store.resumeTokens.getOrCreateWatermark('s', 'b')) > token).toBe(true);
});

test('a table that can’t be read: watches say so once, and go on when it can be', async () => {
    await using place = new Place();
    const logger = recordLog();
    const { watermarks } = await place.open({ logger });
    const seen: string[] = [];
    await watermarks.watch('users', ({ version }) => seen.push(version));
    await using view = watermarks.view();
    await view.ready;
    const statuses: string[] = [];
    view.on('status', status => statuses.push(status));
    place.sql(file => file.exec('ALTER TABLE watermarks RENAME TO renamed'));
    await eventually('a word about it', () => logger.errors.length > 0);
    expect(view.status).toBe('interrupted');
    // What can't be read can't be written either.
    expect(await rejectionOf(watermarks.set('users', 'v1'))).toMatchObject({ code: WatermarkErrorCode.UNAVAILABLE });
    place.sql(file =>
        file.exec(
            `INSERT INTO renamed (key, timestamp, record) VALUES ('users', 1, '{"format":1,"version":"v2"}');
             ALTER TABLE renamed RENAME TO watermarks`
        )
    );
    await eventually('what was written meanwhile', () => seen.includes('v2'));
    await watermarks.set('users', 'v3');
    expect(seen).toEqual(['v2', 'v3']);
    await eventually('the view is live', () => view.status === 'live');
    expect(view.get('users')?.version).toBe('v3');
    expect(statuses).toEqual(['interrupted', 'live']);
    expect(logger.errors.map(({ message }) => message)).toEqual(['Watches wait until the database can be read again.']);
    expect(logger.warnings).toEqual([]);
});
