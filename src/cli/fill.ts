import { parseArgs } from 'node:util';
import { views } from '../../schema/index.ts';
import { type Config, readConfig } from '../config.ts';
import { type View } from '../define/index.ts';
