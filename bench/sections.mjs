// @ts-check
import { durability } from './durability/section.mjs';
import { far } from './far/section.mjs';
import { growth, memory } from './growth/section.mjs';
import { resumeTokens } from './resume-tokens/section.mjs';
import { conditional } from './sections/conditional.mjs';
import { getAll } from './sections/get-all.mjs';
import { get } from './sections/get.mjs';
import { set } from './sections/set.mjs';
import { view } from './sections/view.mjs';
import { watch } from './sections/watch.mjs';
import { startUp } from './start-up/section.mjs';
import { stores } from './stores/section.mjs';
import { systems } from './systems/section.mjs';

/** What is measured, in the order in which it is run and told. */
export const sections = [
    set,
    get,
    conditional,
    getAll,
    view,
    watch,
    resumeTokens,
    stores,
    systems,
    durability,
    startUp,
    far,
    memory,
    growth
];
