import { setImmediate } from 'node:timers/promises';

import type { RecordRow } from './record-table.js';
import type { RowReader } from './row-reader.js';
import type { Session } from './session.js';
import type { StoreDatabase } from './store-database.js';

/** For about how long reading goes on before whatever else the process does has its turn. */
export const TURN_MS = 10;

/**
 * Reads on to the end, and takes each row at the moment it is read. What was taken in the end is what was there at one
 * moment: that of the last read.
 *
 * It can't stop at what was the end when it began. A key that is written meanwhile moves beyond that, and would be missing.
 * So that it ends however much is written, turns get longer from there on, and a turn reads what was there when it began.
 *
 * @throws {WatermarkError} as {@link StoreDatabase.read}
 */
export async function readAll(
    database: StoreDatabase,
    reader: RowReader,
    take: (row: RecordRow) => void
): Promise<void> {
    let turnMs = TURN_MS;
    const head = await database.read(({ records }) => records.head());
    const isAllRead = (session: Session) => session.snapshot(() => readFor(turnMs, session, reader, take));
    while (!(await database.read(isAllRead))) {
        await setImmediate();
        if (reader.position >= head) {
            turnMs *= 2;
        }
    }
}

/** Reads for some time; gives whether the end was reached. */
function readFor(ms: number, { records }: Session, reader: RowReader, take: (row: RecordRow) => void): boolean {
    const until = performance.now() + ms;
    do {
        const rows = reader.next(records);
        if (rows.length === 0) {
            return true;
        }
        rows.forEach(take);
    } while (performance.now() < until);
    return false;
}
