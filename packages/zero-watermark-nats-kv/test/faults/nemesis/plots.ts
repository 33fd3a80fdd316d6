import { linePlot } from '../../../../../bench/shared/plot.mjs';
import type { RunReport } from './report.js';

const MINUTE = 60_000;
const MEBI = 1_048_576;

/** Plots of each run, by name. */
export function plotsOf(reports: readonly RunReport[]): readonly (readonly [name: string, svg: string])[] {
    return reports.flatMap(report => [
        [`latency-${report.seed}`, latencyPlot(report)] as const,
        [`resources-${report.seed}`, resourcePlot(report)] as const
    ]);
}

function latencyPlot({ seed, latencyOverTime, injected }: RunReport): string {
    return linePlot({
        title: `Latency of calls under faults (seed ${seed}; a red line is a fault of the nodes)`,
        x: 'minutes',
        y: 'milliseconds',
        logarithmic: true,
        series: (['p50', 'p90', 'p99', 'max'] as const).map(name => ({
            name,
            points: latencyOverTime.map(window => [window.atMs / MINUTE, window[name]] as const)
        })),
        marks: injected
            .filter(
                ({ fault }) => 'node' in fault || fault.kind === 'kill-all-nodes' || fault.kind === 'rolling-restart'
            )
            .map(({ atMs, fault }) => ({ x: atMs / MINUTE, name: fault.kind }))
    });
}

/** Of client 0, the one that is never killed. */
function resourcePlot({ seed, resources, subscriptions }: RunReport): string {
    const samples = resources.filter(({ client }) => client === 'c0.1');
    const series = (name: string, valueOf: (sample: (typeof samples)[number]) => number) => ({
        name,
        points: samples.map(sample => [sample.atMs / MINUTE, valueOf(sample)] as const)
    });
    return linePlot({
        title: `What a client process holds, after forced collection (seed ${seed})`,
        x: 'minutes',
        y: 'MiB, or how many',
        logarithmic: true,
        series: [
            series('heap, MiB', ({ heapBytes }) => heapBytes / MEBI),
            series('resident, MiB', ({ rssBytes }) => rssBytes / MEBI),
            series('file descriptors', ({ fileDescriptors }) => fileDescriptors ?? 0),
            series('timers', ({ timers }) => timers),
            {
                name: 'subscriptions',
                points: subscriptions
                    .filter(({ client }) => client === 'c0.1')
                    .map(sample => [sample.atMs / MINUTE, sample.subscriptions] as const)
            }
        ]
    });
}
