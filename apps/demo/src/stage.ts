import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WatermarkService } from '@cbnsndwch/zero-contracts';

import type { DemoOptions } from './arguments.js';
import { type Backdrop, openBackdrop } from './backdrop.js';
import type { Board } from './board.js';
import { Fleet } from './fleet.js';
import { keyOf } from './layout.js';
import type { Run } from './run.js';

/** Everything that the demo plays on. */
export interface Stage {
    readonly backdrop: Backdrop;
    readonly fleet: Fleet;
    /** Where the instances keep their ledgers and logs. */
    readonly directory: string;
}

/** Makes everything ready for the instances; the run learns how to undo each step. */
export async function setStage(
    options: DemoOptions,
    { cleanup, signal, fail }: Run,
    onWarning: (message: string) => void
): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'zero-watermark-demo-'));
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    const logger = { warn: onWarning, error: onWarning };
    const backdrop = await openBackdrop({ options, cleanup, signal, directory, logger });
    const fleet = new Fleet(fail);
    cleanup.defer(() => fleet.killAll());
    return { backdrop, fleet, directory };
}

/** Keeps the board up to date with the store, until the signal aborts. */
export async function follow(watermarks: WatermarkService, board: Board, signal: AbortSignal): Promise<void> {
    for await (const event of watermarks.watchAll({ prefix: keyOf(''), includeCurrent: true, signal })) {
        if (event.type === 'set') {
            board.apply(event.watermark, performance.now());
        }
    }
}
