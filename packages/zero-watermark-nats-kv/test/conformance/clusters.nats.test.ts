import { clusters } from '../support/backends.js';
import { describeNats } from '../support/conformance.js';

describeNats(clusters);
