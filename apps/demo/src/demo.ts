import { once } from 'node:events';

import type { DemoOptions } from './arguments.js';
import { Board } from './board.js';
import { byNetwork, eventsOf, loadQuakes, type QuakeEvent } from './feed.js';
import { replay } from './replay.js';
import { judge } from './judge.js';
import type { Run } from './run.js';
import type { Screen } from './screen.js';
import { follow, setStage, type Stage } from './stage.js';
import { isGood, renderSummary } from './summary.js';
import { date, list, number } from './text.js';
import { Trouble } from './trouble.js';
import { View } from './view.js';

const INSTANCES = ['instance-a', 'instance-b', 'instance-c'];
const VICTIM = 'instance-b';

const REPLAY_MS = 14_000;
/** Where in the replay the trouble comes, as shares of its events. */
const KILL_INSTANCE_AT = 0.3;
const BREAK_STORE_AT = 0.6;

/** When everything must be over, once the store is there. */
const DEADLINE_MS = 55_000;

/**
 * Plays the demo.
 *
 * @returns whether nothing was lost
 */
export async function playDemo(options: DemoOptions, screen: Screen, run: Run): Promise<boolean> {
    const { cleanup, signal, fail } = run;
    const events = eventsOf(await loadQuakes());
    const expected = byNetwork(events);
    const board = new Board(new Map([...expected].map(([network, ids]) => [network, ids.length])));

    const stage = await setStage(options, run, message => screen.story(message));
    signal.throwIfAborted();
    run.limit(DEADLINE_MS, () => lateError(board));
    screen.story(stage.backdrop.description);
    const view = new View(board, events.length, INSTANCES, screen.paint, () => screen.columns);
    const trouble = new Trouble(stage, board, view, screen);
    const watch = new AbortController();
    cleanup.defer(() => watch.abort());
    void follow(stage.backdrop.watermarks, board, watch.signal).catch(fail);

    await startInstances(stage, [...expected.keys()], board, screen, signal);
    screen.show(view);
    const began = performance.now();
    const sequences = await play(events, { stage, board, view, trouble, screen, signal, fail });
    const tookMs = performance.now() - began;

    await stage.fleet.stop();
    const verdict = await judge(stage, expected, sequences);
    screen.end({ keepPicture: true });
    if (!screen.live) {
        screen.print(['', ...view.table()].join('\n'));
    }
    const { name, state } = stage.backdrop.outage;
    const measures = {
        victim: VICTIM,
        takeoversMs: trouble.takeoversMs,
        outage: { name, state, ms: trouble.outageMs },
        silenceMs: trouble.silenceMs,
        writes: board.revision,
        writesPerSecond: (board.revision / tookMs) * 1_000
    };
    screen.print(renderSummary(verdict, measures, screen.paint).join('\n'));
    return isGood(verdict);
}

/** Starts the change sources and waits until each network has an owner. */
async function startInstances(
    { fleet, backdrop, directory }: Stage,
    networks: readonly string[],
    board: Board,
    screen: Screen,
    signal: AbortSignal
): Promise<void> {
    const owned = once(board, 'all-owned', { signal });
    screen.story(`starting ${list(INSTANCES)}: three NestJS processes`);
    INSTANCES.forEach((name, index) => {
        // The networks come with the busiest first, so that dealing them out shares the work fairly.
        const preferred = networks.filter((_, position) => position % INSTANCES.length === index);
        fleet.start({ name, backdrop: backdrop.config, directory, networks, preferred });
    });
    await owned;
    const shares = INSTANCES.map(name => `${name} on ${board.ownedBy(name).join(' ')}`);
    screen.story(`working: ${shares.join(', ')}`);
}

interface Cast {
    readonly stage: Stage;
    readonly board: Board;
    readonly view: View;
    readonly trouble: Trouble;
    readonly screen: Screen;
    readonly signal: AbortSignal;
    readonly fail: (error: unknown) => void;
}

/** Replays the events, with trouble on the way, until all are processed. Returns each network's last sequence. */
async function play(events: readonly QuakeEvent[], cast: Cast): Promise<Map<string, number>> {
    const { stage, board, view, trouble, screen, signal, fail } = cast;
    const sequences = new Map<string, number>();
    const troubles: Promise<void>[] = [];
    const complete = once(board, 'complete', { signal });
    complete.catch(() => {}); // it is awaited below, unless the replay fails first
    const [first, last] = [events[0], events.at(-1)].map(event => date(event?.time ?? 0).slice(0, 10));
    screen.story(
        `replaying ${number(events.length)} events of ${number(events.length / 2)} earthquakes, ${first} to ${last}`
    );
    let published = 0;
    for await (const { event, sequence } of replay(events, stage.backdrop.stream, REPLAY_MS, signal)) {
        sequences.set(event.network, sequence);
        view.published(event);
        published += 1;
        if (published === Math.floor(events.length * KILL_INSTANCE_AT)) {
            troubles.push(trouble.killInstance(VICTIM).catch(fail));
        } else if (published === Math.floor(events.length * BREAK_STORE_AT)) {
            troubles.push(trouble.breakStore().catch(fail));
        }
    }
    screen.story('all events are in the stream');
    await Promise.all([complete, ...troubles]);
    screen.story('all are processed, say the watermarks; comparing with what was really done');
    return sequences;
}

function lateError(board: Board): Error {
    const behind = board
        .states(0)
        .filter(({ progress, total }) => progress.count < total)
        .map(({ network, progress, total }) => `${network} ${progress.count}/${total} (${progress.owner})`);
    return new Error(`Not over after ${DEADLINE_MS / 1_000} seconds. Still to be processed: ${list(behind) || 'all'}.`);
}
