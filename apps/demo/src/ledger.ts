import { closeSync, openSync, writeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One event that an instance has processed. */
export interface LedgerEntry {
    readonly network: string;
    /** The term of the owner that processed it. */
    readonly term: number;
    readonly event: string;
}

const EXTENSION = '.ledger';

/**
 * What one instance has processed: the proof that is independent of the watermarks.
 *
 * An entry has been handed to the system when `append` returns, so that it outlives a `kill -9` of the instance.
 */
export class Ledger {
    readonly #file: number;

    constructor(directory: string, instance: string) {
        this.#file = openSync(join(directory, instance + EXTENSION), 'a', 0o600);
    }

    append({ network, term, event }: LedgerEntry): void {
        writeSync(this.#file, `${network} ${term} ${event}\n`);
    }

    close(): void {
        closeSync(this.#file);
    }
}

/** What is in the ledgers of a directory, each instance's entries in the order in which it made them. */
export async function readLedgers(directory: string): Promise<LedgerEntry[]> {
    const files = (await readdir(directory)).filter(file => file.endsWith(EXTENSION)).sort();
    const texts = await Promise.all(files.map(file => readFile(join(directory, file), 'utf8')));
    return texts.flatMap(parseLedger);
}

/** Reads one ledger. A last line without an end was cut off by a crash and does not count. */
export function parseLedger(text: string): LedgerEntry[] {
    const lines = text.split('\n').slice(0, -1);
    return lines.map(line => {
        const [network = '', term, event = ''] = line.split(' ');
        return { network, term: Number(term), event };
    });
}
