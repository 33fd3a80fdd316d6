import type { Answer, Call, Observation, Operation, Watcher } from '../history/history.js';
import type { Stall } from './stalls.js';

/** What a client process says, one line of JSON each. Times are the machine's monotonic clock's, in milliseconds. */
export type Line =
    | { readonly line: 'begin'; readonly id: number; readonly atMs: number; readonly call: Call }
    | ({ readonly line: 'end'; readonly id: number; readonly atMs: number } & Ending)
    | ({ readonly line: 'watch'; readonly atMs: number } & Pick<Watcher, 'watcher' | 'watched' | 'isView'>)
    | { readonly line: 'unwatch'; readonly watcher: string; readonly atMs: number }
    | ({ readonly line: 'seen' } & Observation)
    | ({ readonly line: 'sample'; readonly atMs: number } & Resources)
    | { readonly line: 'log'; readonly level: 'warn' | 'error'; readonly message: string }
    | { readonly line: 'problem'; readonly text: string }
    | ({ readonly line: 'stall' } & Stall)
    | { readonly line: 'stopped'; readonly atMs: number };

interface Ending {
    readonly answer?: Answer;
    readonly error?: NonNullable<Operation['error']>;
    readonly actualRevision?: number;
}

/** What a client process holds at one moment. */
export interface Resources {
    readonly heapBytes: number;
    readonly rssBytes: number;
    /** `undefined`: the system does not say. */
    readonly fileDescriptors: number | undefined;
    readonly timers: number;
}

export interface Sample extends Resources {
    readonly client: string;
    readonly atMs: number;
}

/** The machine's monotonic clock, which all processes share, in milliseconds. */
export function now(): number {
    return Number(process.hrtime.bigint()) / 1e6;
}

/** All that the clients of a run have said. */
export class Recording {
    readonly operations: Operation[] = [];
    readonly observations: Observation[] = [];
    readonly samples: Sample[] = [];
    /** When the process of a client did not get to run. */
    readonly stalls: Stall[] = [];
    /** What must never happen: rejections that nobody handles, processes that end by themselves. */
    readonly problems: string[] = [];
    /** What the library logged, and how often. */
    readonly logged = new Map<string, number>();
    readonly #watchers = new Map<string, Watcher>();
    /** Where in `operations` the calls are that have not ended, of each client. */
    readonly #underWay = new Map<string, Map<number, number>>();

    get watchers(): readonly Watcher[] {
        return [...this.#watchers.values()];
    }

    add(client: string, line: Line): void {
        switch (line.line) {
            case 'begin':
                this.#underWayOf(client).set(line.id, this.operations.length);
                this.operations.push({ client, call: line.call, startMs: line.atMs });
                return;
            case 'end':
                this.#end(client, line);
                return;
            case 'watch': {
                const { line: _, atMs: fromMs, ...watcher } = line;
                this.#watchers.set(watcher.watcher, { ...watcher, fromMs });
                return;
            }
            case 'unwatch':
                this.#endWatcher(line.watcher, line.atMs);
                return;
            case 'seen': {
                const { line: _, ...observation } = line;
                this.observations.push(observation);
                return;
            }
            case 'sample': {
                const { line: _, ...resources } = line;
                this.samples.push({ client, ...resources });
                return;
            }
            case 'log': {
                // What differs between messages of one sort is a watermark.
                const message = `${line.level}: ${line.message.slice(0, 300).replace(/"c1[0-9a-z]+"/, '"…"')}`;
                this.logged.set(message, (this.logged.get(message) ?? 0) + 1);
                return;
            }
            case 'stall':
                this.stalls.push({ fromMs: line.fromMs, toMs: line.toMs });
                return;
            case 'problem':
                this.problems.push(`${client}: ${line.text}`);
                return;
            case 'stopped':
        }
    }

    /** A client's process is gone: its calls never end, and its watchers see nothing more. */
    ended(client: string): void {
        this.#underWay.delete(client);
        const atMs = now();
        for (const { watcher, untilMs } of this.#watchers.values()) {
            if (untilMs === undefined && watcher.startsWith(`${client}/`)) {
                this.#endWatcher(watcher, atMs);
            }
        }
    }

    #end(client: string, { id, atMs: endMs, answer, error, actualRevision }: Line & { line: 'end' }): void {
        const index = this.#underWayOf(client).get(id);
        const begun = index === undefined ? undefined : this.operations[index];
        if (index === undefined || begun === undefined) {
            this.problems.push(`${client}: a call ended that had not begun`);
            return;
        }
        this.#underWayOf(client).delete(id);
        this.operations[index] = {
            ...begun,
            endMs,
            ...(answer === undefined ? {} : { answer }),
            ...(error === undefined ? {} : { error }),
            ...(actualRevision === undefined ? {} : { actualRevision })
        };
    }

    #endWatcher(watcher: string, untilMs: number): void {
        const known = this.#watchers.get(watcher);
        if (known !== undefined) {
            this.#watchers.set(watcher, { ...known, untilMs });
        }
    }

    #underWayOf(client: string): Map<number, number> {
        const underWay = this.#underWay.get(client) ?? new Map<number, number>();
        this.#underWay.set(client, underWay);
        return underWay;
    }
}
