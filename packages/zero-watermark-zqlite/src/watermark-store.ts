import { resolve } from 'node:path';

import type { MaybeUndefined, WatermarkStore } from '@cbnsndwch/zero-contracts';

import { ChangeFeed } from './change-feed.js';
import { resolveOptions, type ZqliteOptions } from './options.js';
import { IN_MEMORY } from './options-check.js';
import { loadSqlite } from './sqlite.js';
import { StoreDatabase } from './store-database.js';
import { Writer } from './writer.js';
import { ZqliteResumeTokenService } from './zqlite-resume-token.service.js';
import { ZqliteWatermarkService } from './zqlite-watermark.service.js';

/**
 * Opens the file, makes it where it is missing, and gives the services.
 *
 * @throws {InvalidOptionsError} before anything is opened, with every problem of the options
 * @throws {WatermarkError} `BUCKET_NOT_FOUND`: there is no such folder. `BUCKET_MISMATCH`: what is there is no database, or
 *   that of another program or of a newer release; it is left as it is. `PERMISSION_DENIED`, `CORRUPT_RECORD`.
 *   `UNAVAILABLE`: it is locked for longer than `busyTimeoutMs`, the disk is full, or SQLite can't be loaded
 */
export async function openWatermarkStore(
    options: ZqliteOptions | MaybeUndefined<ZqliteOptions>
): Promise<WatermarkStore> {
    const given = resolveOptions(options);
    // Where the process goes later must not matter.
    const config = { ...given, database: given.database === IN_MEMORY ? IN_MEMORY : resolve(given.database) };
    const database = await StoreDatabase.open({ sqlite: await loadSqlite(), options: config });
    const feed = new ChangeFeed(database);
    const writer = new Writer(database, () => feed.pump());
    const watermarks = new ZqliteWatermarkService({
        database,
        writer,
        feed,
        maxRecordBytes: config.maxValueSizeBytes
    });
    const resumeTokens = new ZqliteResumeTokenService(database, writer, config);
    const closeAll = async () => {
        await Promise.all([watermarks.close(), resumeTokens.close()]);
        writer.close();
        feed.close();
        database.close();
    };
    let closing: Promise<void> | undefined;
    const close = () => (closing ??= closeAll());
    return { watermarks, resumeTokens, close, [Symbol.asyncDispose]: close };
}
