// @ts-check
import { parseArgs } from 'node:util';

import { formatted } from './shared/formatted.mjs';
import { loadNow, machineFacts, machineSentence } from './shared/machine.mjs';
import { openStore } from './shared/nats-clients.mjs';
import { profiled } from './shared/profiler.mjs';
import { startPlace } from './shared/servers.mjs';
import { newTokens } from './shared/tokens.mjs';
import { using } from './shared/using.mjs';
import { newWatermarks, setting } from './shared/watermarks.mjs';

/** @typedef {import('./shared/servers.mjs').Place} Place */
/** @typedef {(place: Place) => Promise<string[]>} Workload gives its profile, in Markdown */

const CALLERS = 256;
const GROUP = 1_000;
const ABOUT =
    'Where the time of the process that asks goes, by the profiler of Node: the time of each function itself, without what it ' +
    'calls. _Idle_ is waiting for the server. Made by `npm run build && node bench/profile.mjs >docs/profiles.md`. What follows ' +
    'from it is said where [what was missed](performance.md#what-was-missed-and-why) is.';

const { values: options } = parseArgs({
    options: { seconds: { type: 'string', default: '5' }, tokens: { type: 'string', default: '100000' } }
});
const windowMs = Number(options.seconds) * 1_000;
const known = newTokens('p').many(Number(options.tokens));

/** @type {Record<string, Workload>} the same work as in the sections that measure it */
const workloads = {
    [`set, many keys, ${CALLERS} callers`]: place => settingKeys(place, 10_000),
    [`set, one hot key, ${CALLERS} callers`]: place => settingKeys(place, 1),
    [`replay of ${known.length.toLocaleString('en')} known tokens, ${GROUP.toLocaleString('en')} a call`]: replaying
};

/**
 * @param {Place} place
 * @param {number} keys
 */
function settingKeys(place, keys) {
    return using(async use => {
        const { watermarks } = use(await openStore(place, 'profiled'));
        const run = setting(watermarks, CALLERS, newWatermarks({ keys }));
        await run(windowMs / 4);
        return profiled(() => run(windowMs));
    });
}

/** @type {Workload} */
async function replaying(place) {
    const ask = () =>
        using(async use => {
            // Each time another instance, which remembers none of them.
            const { resumeTokens } = use(await openStore(place, 'profiled'));
            for (let from = 0; from < known.length; from += GROUP) {
                await resumeTokens.getOrCreateWatermarks('shard', known.slice(from, from + GROUP));
            }
        });
    await ask();
    await ask();
    return profiled(async () => {
        for (const end = performance.now() + windowMs; performance.now() < end;) {
            await ask();
        }
    });
}

const machine = machineFacts();
/** @type {string[]} */
const profiles = [];
for (const [name, workload] of Object.entries(workloads)) {
    const place = await startPlace('newest', 1);
    if (place === undefined) {
        throw new Error('There is no nats-server: run node scripts/setup.mjs');
    }
    try {
        profiles.push('', `## ${name}`, '', ...(await workload(place)));
    } finally {
        await place.stop();
    }
}
const sentence = machineSentence({ ...machine, loadAfter: loadNow() });
process.stdout.write(await formatted(['# Profiles', '', ABOUT, '', sentence, ...profiles].join('\n'), 'markdown'));
