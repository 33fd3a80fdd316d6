import type { WatermarkLogger, WatermarkService } from '@cbnsndwch/zero-contracts';

import type { DemoOptions } from './arguments.js';
import type { Cleanup } from './cleanup.js';
import type { QuakeEvent } from './feed.js';
import type { BackdropConfig } from './instance/config.js';

/** Where watermarks are kept and where events come from: all that another store makes different. */
export interface Backdrop {
    /** What it is, in a sentence. */
    readonly description: string;
    /** What the instances need to know of it. */
    readonly config: BackdropConfig;
    readonly watermarks: WatermarkService;
    readonly stream: QuakeStream;
    readonly outage: Outage;
}

/** The stream that the earthquakes are replayed into. */
export interface QuakeStream {
    /** Adds an event, however long that takes; gives its sequence. */
    publish(event: QuakeEvent, signal: AbortSignal): Promise<number>;
    /** How many events there are in it. */
    count(): Promise<number>;
}

/** What happens to the store in the middle of the demo. */
export interface Outage {
    /** Its name, and what the store was like meanwhile, for the summary. */
    readonly name: string;
    readonly state: string;
    /** Breaks the store, and mends it after a moment; gives how long it was broken, in milliseconds. */
    happen(tell: (text: string, isBad: boolean) => void): Promise<number>;
}

/** What is needed to set a backdrop up. */
export interface BackdropOptions {
    readonly options: DemoOptions;
    /** Learns how to undo each step. */
    readonly cleanup: Cleanup;
    readonly signal: AbortSignal;
    /** For what is kept in files. */
    readonly directory: string;
    readonly logger: WatermarkLogger;
}

/** Sets up what the demo was asked for. Only that is loaded. */
export async function openBackdrop(options: BackdropOptions): Promise<Backdrop> {
    return options.options.store === 'sqlite'
        ? (await import('./sqlite/backdrop.js')).openSqliteBackdrop(options)
        : (await import('./nats/backdrop.js')).openNatsBackdrop(options);
}
