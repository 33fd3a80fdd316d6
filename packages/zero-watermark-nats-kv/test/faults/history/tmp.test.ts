import fc from 'fast-check';
import { it } from 'vitest';
import { callPlans, simulateKeys } from './simulated-keys.js';
import { splitByKey } from './split.js';
import { tellStory } from './key-story.js';
import { orderRevisions } from './revisions.js';
import { search } from './search.js';

it('x', () => {
    const all = fc.sample(fc.array(callPlans(2), { maxLength: 60 }), { seed: 1, numRuns: 300 });
    let n = 0;
    for (const plans of all) {
        for (const [key, part] of splitByKey(simulateKeys(plans, 2))) {
            const story = tellStory(key, part);
            const revisions = orderRevisions(story);
            if (!Array.isArray(revisions)) { console.log('pre', revisions); if (++n > 3) return; continue; }
            const t = performance.now();
            const v = search({ revisions, ...story, finalRevision: story.final?.revision ?? null });
            const took = performance.now() - t;
            if (v !== 'fits' || took > 50) { console.log(v, took, plans.length, JSON.stringify(story.writes.map(w => [w.kind, w.value, w.outcome, w.revision, w.startMs, w.endMs]), null, 0), JSON.stringify(revisions.map(r => [r.revision, r.value, r.seenMs]))); if (++n > 2) return; }
        }
    }
});
