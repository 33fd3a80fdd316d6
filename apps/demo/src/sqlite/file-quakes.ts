import { closeSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

import type { QuakeStream } from '../backdrop.js';
import type { QuakeEvent } from '../feed.js';

/** Appends events to a file of its own, one a line, as JSON. The number of its line is the sequence of an event. */
export class FileQuakes implements QuakeStream {
    readonly #path: string;
    readonly #file: number;
    #sequence = 0;

    /** @throws {Error} the file is there already */
    constructor(path: string) {
        this.#path = path;
        this.#file = openSync(path, 'ax', 0o600);
    }

    async publish(event: QuakeEvent): Promise<number> {
        writeSync(this.#file, `${JSON.stringify(event)}\n`);
        this.#sequence += 1;
        return this.#sequence;
    }

    async count(): Promise<number> {
        return (await readFile(this.#path, 'utf8')).split('\n').length - 1;
    }

    close(): void {
        closeSync(this.#file);
    }
}
