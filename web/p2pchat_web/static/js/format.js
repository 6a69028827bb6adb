// Times, names and amounts for people.

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dateWithYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const DAY = 86_400_000;

const startOfDay = (ms) => new Date(ms).setHours(0, 0, 0, 0);
const daysAgo = (ms) => Math.round((startOfDay(Date.now()) - startOfDay(ms)) / DAY);

export const clock = (ms) => time.format(ms);
export const exactly = (ms) => whole.format(ms);
export const sameDay = (a, b) => startOfDay(a) === startOfDay(b);

/** A short time for lists: 14:05, Tue, 3 May. */
export function when(ms) {
  const days = daysAgo(ms);
  if (days <= 0) return time.format(ms);
  if (days < 7) return weekday.format(ms);
  return new Date(ms).getFullYear() === new Date().getFullYear() ? date.format(ms) : dateWithYear.format(ms);
}

/** The line between two days of a conversation. */
export function dayName(ms) {
  const days = daysAgo(ms);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return days < 300 ? longDay.format(ms) : dateWithYear.format(ms);
}

/** A day that was written as YYYY-MM-DD. */
export const dueDay = (text) => date.format(new Date(`${text}T12:00`));

/** A duration in seconds as words. */
export function span(seconds) {
  for (const [size, name] of [[86_400, "day"], [3600, "hour"], [60, "minute"]]) {
    if (seconds >= size && seconds % size === 0) return plural(seconds / size, name);
  }
  return plural(seconds, "second");
}

export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** The one or two letters of an avatar. */
export function initials(name) {
  const words = name.replace(/[^\p{L}\p{N} ]/gu, " ").trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [...words[0]][0] + [...words.at(-1)][0] : [...(words[0] ?? "?")][0];
  return letters.toUpperCase();
}

// Eight hues that stand well beside each other and beside the accent.
const HUES = [28, 62, 95, 152, 196, 238, 285, 340];

/** The hue of a person or group, always the same for the same id. */
export function hue(id) {
  let hash = 2166136261;
  for (const letter of id) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
  return HUES[(hash >>> 0) % HUES.length];
}
