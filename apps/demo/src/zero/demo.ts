import { findPostgres, inspectWire, openZeroStage, Upstream, type ZeroStage } from '@cbnsndwch/zero-stage';

import type { DemoOptions } from '../arguments.js';
import { describeServers, startServers } from '../nats/servers.js';
import { paced } from '../pace.js';
import type { Run } from '../run.js';
import type { Screen } from '../screen.js';
import { date, number } from '../text.js';
import { Arrivals } from './arrivals.js';
import { renderArrival } from './picture.js';
import { isGood, renderSummary } from './summary.js';
import { Trouble } from './trouble.js';
import { verify } from './verify.js';
import { View } from './view.js';

/** So many reports are there before zero-cache is. */
const REPORTS_BEFORE = 250;

const REPLAY_MS = 28_000;
/** Where in the replay the trouble comes, as shares of its reports. */
const TROUBLE_AT = { changeSource: 0.12, nats: 0.28, zeroCache: 0.45 };

/** When everything must be over, once all has been started. */
const DEADLINE_MS = 58_000;

/** An earthquake of this magnitude is worth a line where nothing can be drawn again. */
const NOTABLE_MAGNITUDE = 5;

/**
 * Plays the demo with the real zero-cache.
 *
 * @returns whether nothing was lost
 */
export async function playZeroDemo(options: DemoOptions, screen: Screen, run: Run): Promise<boolean> {
    const { signal } = run;
    const stage = await setStage(options, screen, run);
    signal.throwIfAborted();
    run.limit(DEADLINE_MS, () => lateError(stage));

    const replicaVersion = stage.replicaVersion();
    const arrivals = new Arrivals(signal);
    let clientConnections = 1;
    stage.upstream.on('write', key => arrivals.writing(key, performance.now()));
    stage.client.on('connected', () => (clientConnections += 1));
    stage.client.on('quake', change => {
        const arrival = arrivals.arrived(change, performance.now());
        if (!screen.live && change.row.magnitude >= NOTABLE_MAGNITUDE) {
            screen.story(`  ${renderArrival(arrival, screen.paint)}`);
        }
    });
    const trouble = new Trouble(stage, arrivals, screen, signal);
    screen.show(new View(stage, arrivals, screen.paint));
    await play(stage, trouble, screen, run);

    const wire = inspectWire(stage.proxy.connections);
    const problems = stage.problems();
    if (stage.replicaVersion() !== replicaVersion) {
        problems.push(`The replica was made anew: ${replicaVersion} became ${stage.replicaVersion()}.`);
    }
    const verdict = verify({
        written: stage.upstream.rows,
        stored: await stage.upstream.stored(),
        replica: stage.readReplica(replica => replica.rows()),
        client: stage.client.rows,
        wire,
        problems
    });
    screen.end({ keepPicture: true });
    const { writes } = stage.upstream;
    const { count, medianMs } = arrivals;
    const measures = { writes, wire, arrivals: count, medianMs, clientConnections, recoveries: trouble };
    screen.print(renderSummary(verdict, measures, screen.paint).join('\n'));
    return isGood(verdict);
}

/** Starts everything, with some rows, and waits until the client has them. */
async function setStage(options: DemoOptions, screen: Screen, { cleanup, signal }: Run): Promise<ZeroStage> {
    const postgres = findPostgres(options.postgres);
    const servers = await startServers(options, signal);
    cleanup.defer(() => servers.stop());
    screen.story(describeServers(servers));
    signal.throwIfAborted();
    const upstream = await Upstream.open({ servers: servers.urls, replicas: servers.replicas, signal });
    cleanup.defer(() => upstream.close());
    while (upstream.reported < REPORTS_BEFORE) {
        await upstream.report();
    }
    screen.story(`${number(upstream.size)} rows are in a NATS KV bucket: earthquakes, and what each network reported`);
    return openZeroStage({
        nodes: servers.nodes,
        upstream,
        postgres,
        signal,
        defer: step => cleanup.defer(step),
        tell: message => screen.story(message)
    });
}

/** Makes the other reports, with trouble on the way, until replica and client have all of them. */
async function play(stage: ZeroStage, trouble: Trouble, screen: Screen, { signal, fail }: Run): Promise<void> {
    const { upstream } = stage;
    const reports = upstream.reports.slice(upstream.reported);
    const [first, last] = [reports[0], reports.at(-1)].map(report => date(report?.row.time ?? 0).slice(0, 10));
    screen.story(`writing ${number(reports.length)} more reports, ${first} to ${last}: inserts, updates and deletes`);
    const at = (share: number) => Math.floor(reports.length * share);
    const troubles = new Map([
        [at(TROUBLE_AT.changeSource), () => trouble.killChangeSource()],
        [at(TROUBLE_AT.nats), () => trouble.crashNode()],
        [at(TROUBLE_AT.zeroCache), () => trouble.killZeroCache()]
    ]);
    let current = Promise.resolve();
    let made = 0;
    for await (const _report of paced(reports, ({ row }) => row.time, REPLAY_MS, signal)) {
        const next = troubles.get(made);
        if (next !== undefined) {
            // One at a time.
            await current;
            current = next();
            current.catch(fail);
        }
        await upstream.report();
        made += 1;
    }
    screen.story('all reports are written');
    await current;
    const mark = await stage.writeMark();
    await Promise.all([stage.replicaHas(mark), stage.clientHas(mark)]);
    screen.story('the last row has arrived; comparing all rows');
}

function lateError(stage: ZeroStage): Error {
    const { upstream, client } = stage;
    const inReplica = stage.glanceAtReplica(replica => replica.count()) ?? 'none';
    const rows = `${upstream.size} rows are written, ${inReplica} in the replica, ${client.size} at the client`;
    return new Error(`Not over after ${DEADLINE_MS / 1_000} seconds. ${rows}.\n${stage.recentLog()}`);
}
