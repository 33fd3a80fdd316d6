import type { QuakeEvent } from '../feed.js';
import { EventStream } from '../instance/event-stream.js';
import { followLines } from './follow-lines.js';

/** Reads the events that another process appends to a file. */
export class FileEvents extends EventStream {
    readonly #path: string;

    constructor(path: string) {
        super();
        this.#path = path;
    }

    override async follow(
        network: string,
        after: number,
        handle: (event: QuakeEvent, sequence: number) => void,
        signal: AbortSignal
    ): Promise<void> {
        let sequence = 0;
        for await (const line of followLines(this.#path, signal)) {
            sequence += 1;
            const event = JSON.parse(line) as QuakeEvent;
            if (sequence > after && event.network === network) {
                handle(event, sequence);
            }
        }
    }
}
