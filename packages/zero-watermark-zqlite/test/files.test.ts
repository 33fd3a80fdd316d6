import { execFileSync } from 'node:child_process';
import {
    chmodSync,
    existsSync,
    mkdirSync,
    readFileSync,
    statSync,
    symlinkSync,
    truncateSync,
    writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { WatermarkErrorCode } from '../src/store.js';
import { MIGRATIONS } from '../src/schema.js';
import { Place, rejectionOf } from './support/place.js';

const { BUCKET_MISMATCH, BUCKET_NOT_FOUND, CORRUPT_RECORD, PERMISSION_DENIED } = WatermarkErrorCode;

/** What must stay as it is. */
function stateOf({ database }: Place) {
    const { mtimeMs, size, ino, mode } = statSync(database);
    return { mtimeMs, size, ino, mode, content: statSync(database).isFile() ? readFileSync(database) : undefined };
}

/** Runs something without the rights of root, which may read and write everything. */
async function withoutRights<T>(place: Place, run: () => Promise<T>): Promise<T> {
    const { seteuid, geteuid } = process;
    if (seteuid === undefined || geteuid?.() !== 0) {
        return run();
    }
    const NOBODY = 65_534;
    execFileSync('chown', ['-R', String(NOBODY), place.folder]);
    seteuid(NOBODY);
    try {
        return await run();
    } finally {
        seteuid(0);
    }
}

describe('what is not ours is refused, and left as it is', () => {
    test.each([
        [
            'a text',
            (place: Place) => writeFileSync(place.database, 'not a database, '.repeat(1_000)),
            /is no SQLite database/
        ],
        ['a few bytes', (place: Place) => writeFileSync(place.database, 'short'), /is no SQLite database/],
        ['a folder', (place: Place) => mkdirSync(place.database), /is a folder/],
        [
            'a database with other tables',
            (place: Place) => place.sql(file => file.exec('CREATE TABLE zero_kv (key TEXT PRIMARY KEY, value TEXT)')),
            /the database of another program; it holds .*zero_kv/
        ],
        [
            'a database in WAL mode with other tables',
            (place: Place) => place.sql(file => file.exec('PRAGMA journal_mode = wal; CREATE TABLE replica (a)')),
            /the database of another program; it holds replica/
        ],
        [
            'an empty database that another program has marked',
            (place: Place) => place.sql(file => file.exec('PRAGMA application_id = 7; VACUUM')),
            /the database of another program \(application_id 7\)/
        ],
        [
            'one that a newer release made',
            async (place: Place) => {
                await (await place.open()).close();
                place.sql(file => file.pragma(`user_version = ${MIGRATIONS.length + 1}`));
            },
            new RegExp(
                `has schema version ${MIGRATIONS.length + 1}, which a newer release made; this one knows ${MIGRATIONS.length}`
            )
        ]
    ])('%s', async (_, make, message) => {
        await using place = new Place();
        await Promise.resolve(make(place));
        const before = stateOf(place);
        const error = await rejectionOf(place.open());
        expect(error).toMatchObject({ code: BUCKET_MISMATCH, retryable: false });
        expect(error.message).toContain(place.database);
        expect(error.message).toMatch(message);
        expect(error.message).toMatch(/choose another path/i);
        expect(stateOf(place)).toEqual(before);
        expect(place.files).toEqual(['watermarks.db']);
    });

    test('other tables under our names in a file of ours', async () => {
        await using place = new Place();
        await place.open();
        place.sql(file => file.exec('CREATE TABLE mine (a); CREATE TABLE half_tokens (a)'));
        for (const tableName of ['mine', 'half']) {
            const error = await rejectionOf(place.open({ tableName }));
            expect(error).toMatchObject({ code: BUCKET_MISMATCH });
            expect(error.message).toContain(`other tables under the name "${tableName}"`);
        }
        expect(
            place.sql(file => file.prepare(`SELECT count(*) FROM sqlite_schema WHERE name LIKE 'mine%'`).pluck().get())
        ).toBe(1);
    });

    test('something that is no file', async () => {
        await using place = new Place();
        execFileSync('mkfifo', [place.database]);
        expect(await rejectionOf(place.open())).toMatchObject({ code: BUCKET_MISMATCH });
        const below = join(place.database, 'below.db');
        expect(await rejectionOf(place.open({ database: below }))).toMatchObject({ code: BUCKET_MISMATCH });
    });
});

describe('where nothing can be made or written', () => {
    test('a folder that does not exist', async () => {
        await using place = new Place();
        const database = join(place.folder, 'no', 'such', 'x.db');
        const error = await rejectionOf(place.open({ database }));
        expect(error).toMatchObject({ code: BUCKET_NOT_FOUND });
        expect(error.message).toContain(
            `The folder ${join(place.folder, 'no', 'such')} for the database does not exist.`
        );
        expect(place.files).toEqual([]);
    });

    test('a folder in which this user may make no files', async () => {
        await using place = new Place();
        await withoutRights(place, async () => {
            chmodSync(place.folder, 0o555);
            const error = await rejectionOf(place.open());
            chmodSync(place.folder, 0o755);
            expect(error).toMatchObject({ code: PERMISSION_DENIED });
            expect(error.message).toContain(place.database);
        });
        expect(place.files).toEqual([]);
    });

    test.each([
        ['a file that this user may not write', 0o444, 0o755],
        ['a file that this user may not read', 0o000, 0o755],
        ['a file in a folder in which this user may make no others', 0o644, 0o555]
    ])('%s', async (_, modeOfFile, modeOfFolder) => {
        await using place = new Place();
        const store = await place.open();
        await store.watermarks.set('users', 'v1');
        await store.close();
        const before = readFileSync(place.database);
        await withoutRights(place, async () => {
            chmodSync(place.database, modeOfFile);
            chmodSync(place.folder, modeOfFolder);
            const error = await rejectionOf(place.open());
            chmodSync(place.folder, 0o755);
            chmodSync(place.database, 0o644);
            expect(error).toMatchObject({ code: PERMISSION_DENIED });
            expect(error.message).toContain(place.database);
        });
        expect(readFileSync(place.database).equals(before)).toBe(true);
        expect((await (await place.open()).watermarks.get('users'))?.version).toBe('v1');
    });
});

describe('what can be opened', () => {
    test('an empty file', async () => {
        await using place = new Place();
        writeFileSync(place.database, '');
        const { watermarks } = await place.open();
        await watermarks.set('users', 'v1');
    });

    test('what is left of a file whose maker was killed while it wrote the first pages', async () => {
        await using place = new Place();
        const store = await place.open();
        await store.close();
        const complete = readFileSync(place.database);
        // Only the first page has come to the disk, and the journal says that there were none before.
        writeFileSync(place.database, complete.subarray(0, 4_096));
        const journal = Buffer.alloc(512);
        journal.write('d9d505f920a163d7', 'hex');
        [0, 0, 0, 512, 4_096].forEach((word, index) => journal.writeUInt32BE(word, 8 + 4 * index));
        // It was made without a write-ahead log.
        const rollback = complete.subarray(0, 4_096);
        rollback.fill(1, 18, 20);
        writeFileSync(place.database, rollback);
        writeFileSync(`${place.database}-journal`, journal);
        const { watermarks } = await place.open();
        await watermarks.set('users', 'v1');
        expect((await watermarks.getAll()).size).toBe(1);
        expect(place.files).toEqual(['watermarks.db', 'watermarks.db-shm', 'watermarks.db-wal']);
    });

    test('a path with any characters, and a link', async () => {
        await using place = new Place();
        const folder = join(place.folder, 'ü #?%20 &');
        mkdirSync(folder);
        const database = join(folder, 'a\'b"c%?.db');
        const store = await place.open({ database });
        await store.watermarks.set('users', 'v1');
        expect(existsSync(`${database}-wal`)).toBe(true);
        const link = join(place.folder, 'link.db');
        symlinkSync(database, link);
        const linked = await place.open({ database: link });
        expect((await linked.watermarks.get('users'))?.version).toBe('v1');
        await linked.watermarks.set('users', 'v2');
        expect((await store.watermarks.get('users'))?.version).toBe('v2');
    });

    test('a relative path stays what it was when the process moves on', async () => {
        await using place = new Place();
        const before = process.cwd();
        process.chdir(place.folder);
        try {
            const { watermarks } = await place.open({ database: 'watermarks.db' });
            process.chdir(before);
            await watermarks.set('users', 'v1');
            expect((await watermarks.get('users'))?.version).toBe('v1');
        } finally {
            process.chdir(before);
        }
        expect(place.files).toContain('watermarks.db-wal');
    });

    test('one that the many make at once', async () => {
        await using place = new Place();
        const stores = await Promise.all(Array.from({ length: 8 }, () => place.open()));
        await Promise.all(stores.map(({ watermarks }, index) => watermarks.set(`key.${index}`, 'v1')));
        expect((await stores[0]?.watermarks.getAll())?.size).toBe(8);
        const settings = place.sql(file =>
            ['journal_mode', 'application_id', 'user_version'].map(name => file.pragma(name, { simple: true }))
        );
        expect(settings).toEqual(['wal', 0x7a776d6b, MIGRATIONS.length]);
    });
});

test('a damaged file says so, and nothing crashes', async () => {
    await using place = new Place();
    const store = await place.open();
    await Promise.all(
        Array.from({ length: 2_000 }, (_, index) => store.watermarks.set(`key.${index}`, 'v'.repeat(200)))
    );
    await store.close();
    const { size } = statSync(place.database);
    const bytes = readFileSync(place.database);
    bytes.fill(0xaa, 4_096 * 8, size - 4_096 * 8);
    writeFileSync(place.database, bytes);
    const damaged = await place.open();
    const codes = await Promise.all(
        [damaged.watermarks.getAll(), damaged.watermarks.set('key.5', 'v2')].map(async call => rejectionOf(call))
    );
    expect(codes).toMatchObject([{ code: CORRUPT_RECORD }, { code: CORRUPT_RECORD }]);
    await damaged.close();
    truncateSync(place.database, 4_096 * 3);
    await rejectionOf(place.open().then(({ watermarks }) => watermarks.getAll()));
});
