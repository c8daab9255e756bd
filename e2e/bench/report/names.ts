import type { FirstList, Place, Scenario, Start, Target } from '../results.ts';
import type { Tone } from './svg.ts';

export const targetNames: Record<Target, string> = {
  ours: 'ours',
  'ours-2026-07-28': 'ours, MCP 2026-07-28',
  peer: 'peer',
  raw: 'straight to kcp',
};

export const tones: Record<Target, Tone> = { ours: 'ours', 'ours-2026-07-28': 'newer', peer: 'peer', raw: 'raw' };

export const scenarioNames: Record<Scenario, string> = {
  resources_list: 'resources_list, 8 connections',
  'resources_list-1': 'resources_list, 1 connection',
  'resources_list-apart': 'resources_list, kcp on a core of its own',
  tools_list: 'tools/list, 8 connections',
  workspaces_list: 'kcp_workspaces_list, warm, 8 connections',
};

export const firstListNames: Record<FirstList['target'], string> = {
  ours: 'inventory: Caller',
  'ours-index': 'inventory: Index',
  raw: 'one probe of each, raw',
  'raw-lists': 'one list of the children of each, raw',
};

export const firstListTones: Record<FirstList['target'], Tone> = {
  ours: 'ours',
  'ours-index': 'newer',
  raw: 'raw',
  'raw-lists': 'raw',
};

export const startNames: Record<Start['target'], string> = {
  ours: 'ours',
  peer: 'peer, one workspace',
  'peer-tree': 'peer, tree of workspaces',
  'ours-100m': 'ours',
  'peer-100m': 'peer, one workspace',
};

export const placeNames: Record<Place, string> = { synthetic: 'Synthetic kcp', real: 'Real kcp' };

export const targets = ['ours', 'ours-2026-07-28', 'peer', 'raw'] as const;
export const scenarios = [
  'resources_list',
  'resources_list-apart',
  'resources_list-1',
  'tools_list',
  'workspaces_list',
] as const;
export const startTargets = ['ours', 'peer', 'peer-tree', 'ours-100m', 'peer-100m'] as const;
export const placesInOrder = ['synthetic', 'real'] as const;
export const firstListTargets = ['ours', 'raw-lists', 'ours-index', 'raw'] as const;
