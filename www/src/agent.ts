// What a browser calls itself, in words that a person knows: the browser and the system, as far as its text tells.

import { t } from "./text";

const SYSTEMS: readonly (readonly [string, string])[] = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["CrOS", "ChromeOS"],
  ["Mac OS X", "Mac"],
  ["Windows", "Windows"],
  ["Linux", "Linux"],
];

/** The first that fits: later ones stand in the texts of earlier ones too. */
const BROWSERS: readonly (readonly [string, string])[] = [
  ["Edg", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["FxiOS/", "Firefox"],
  ["CriOS/", "Chrome"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
];

const named = (agent: string, names: readonly (readonly [string, string])[]): string | undefined =>
  names.find(([sign]) => agent.includes(sign))?.[1];

/** A browser in words; what it called itself, where that is none that is known. */
export function agentName(agent: string | null | undefined): string {
  if (agent == null) return t.account.unknownAgent;
  const [browser, system] = [browserOf(agent), systemOf(agent)];
  return browser !== undefined && system !== undefined ? t.account.agent(browser, system) : (browser ?? agent);
}

/** The same in few words: a program that is no browser is known by what it calls itself first. */
export function shortAgent(agent: string): string {
  return browserOf(agent) === undefined ? (agent.split(" ")[0] ?? agent).slice(0, 40) : agentName(agent);
}

export const systemOf = (agent: string): string | undefined => named(agent, SYSTEMS);
const browserOf = (agent: string): string | undefined => named(agent, BROWSERS);
