import { core, sender } from './core.js';
import { testTarget } from './suite.js';

testTarget('core', () => ({ send: sender(), ...core }));
