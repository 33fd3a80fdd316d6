import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { machineFacts } from '../../../../../bench/shared/machine.mjs';
import { checkHistory } from '../history/check-history.js';
import type { InjectedFault } from './nemesis.js';
import { plotsOf } from './plots.js';
import { failureOf, reportOf, type RunReport, summaryOf } from './report.js';
import { runFaults } from './run.js';
import { longRun } from './settings.js';

const USAGE = `npm run test:faults -- --minutes N --seed S [--runs K] [--servers newest|oldest|upgraded] [--tokens T] [--report FOLDER]

  --minutes  how long, all runs together (default 5)
  --seed     the schedule; further runs have the seeds after it (default: the time)
  --runs     how many runs the time is for (default 1)
  --servers  nats-server of the newest or oldest version, or the oldest upgraded in the course of the run
  --tokens   so many resume tokens are stored in all, in large groups, beside the other calls (default 0)
  --report   where to save the reports and plots (default: nowhere)`;

/** Runs the long form. Gives the process's exit code. */
export async function main(args: readonly string[]): Promise<number> {
    const { values } = parseArgs({
        args: [...args],
        options: {
            minutes: { type: 'string', default: '5' },
            seed: { type: 'string', default: String(Math.floor(Date.now() / 1_000)) },
            runs: { type: 'string', default: '1' },
            servers: { type: 'string', default: 'newest' },
            tokens: { type: 'string', default: '0' },
            report: { type: 'string' },
            help: { type: 'boolean', default: false }
        }
    });
    const [minutes, seed, runs, tokens] = [values.minutes, values.seed, values.runs, values.tokens].map(Number);
    const servers = (['newest', 'oldest', 'upgraded'] as const).find(each => each === values.servers);
    const isUsable = [minutes, seed, runs, tokens].every(value => value !== undefined && value >= 0);
    if (values.help || !isUsable || servers === undefined || !minutes || !runs) {
        console.log(USAGE);
        return values.help ? 0 : 2;
    }
    const reports: RunReport[] = [];
    let failures = 0;
    for (let run = 0; run < runs; run += 1) {
        const options = { ...longRun((seed ?? 0) + run, minutes / runs, (tokens ?? 0) / runs), servers };
        const startedAt = performance.now();
        const done = await runFaults({ ...options, report: event => progress(event, startedAt) });
        console.log('checking the history');
        const violations = checkHistory(done.history);
        const report = reportOf(done, violations);
        reports.push(report);
        console.log(summaryOf(report));
        const share = tokens === undefined ? '' : ` --tokens ${tokens / runs}`;
        const again = `npm run test:faults -- --minutes ${minutes / runs} --seed ${options.seed} --servers ${servers}${share}`;
        const failure = failureOf(done, violations, again);
        if (failure !== undefined) {
            failures += 1;
            console.log(failure);
        }
        if (values.report !== undefined) {
            await save(values.report, reports);
        }
    }
    return failures === 0 ? 0 : 1;
}

function progress(event: InjectedFault | string, startedAt: number): void {
    const at = `${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(7)} s`;
    if (typeof event === 'string') {
        console.log(`${at}  ${event}`);
        return;
    }
    const { kind, ...details } = event.fault;
    const took = `${Math.round(event.endedMs - event.beganMs)} ms`;
    console.log(`${at}  ${kind} ${JSON.stringify(details)} ${event.note ?? ''} (${took})`);
}

/** Saves what is known so far, so that a run that is interrupted leaves something. */
async function save(folder: string, reports: readonly RunReport[]): Promise<void> {
    await mkdir(folder, { recursive: true });
    const report = { machine: machineFacts(), runs: reports };
    await writeFile(join(folder, 'faults.json'), `${JSON.stringify(report, undefined, 1)}\n`);
    for (const [name, svg] of plotsOf(reports)) {
        await writeFile(join(folder, `${name}.svg`), svg);
    }
    console.log(`Saved ${join(folder, 'faults.json')} and its plots.`);
}
