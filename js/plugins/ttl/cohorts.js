/** Expiry cohorts: the times that index entries are grouped by, as 13.6 stores them (spec/11 section 11.4). */

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** Granularity -> longest ttl in seconds, milliseconds between sweeps, cohorts before the mark that are looked at again. */
export const GRANULARITIES = {
  minute: { below: 3600, interval: 10 * SECOND, step: 60 * SECOND, back: 2, form: /^\d{4}-\d\d-\d\dT\d\d:\d\d$/ },
  hour: { below: 86_400, interval: 600 * SECOND, step: 3600 * SECOND, back: 1, form: /^\d{4}-\d\d-\d\dT\d\d$/ },
  day: { below: 2_592_000, interval: 3600 * SECOND, step: DAY, back: 1, form: /^\d{4}-\d\d-\d\d$/ },
  week: { below: Infinity, interval: DAY, step: 7 * DAY, back: 1, form: /^\d{4}-W\d\d$/ }
};

/** Granularity of a rule: by its ttl in seconds, `day` when there is none. */
export function granularityOf(ttl) {
  if (!ttl) return 'day';
  return Object.keys(GRANULARITIES).find((name) => ttl < GRANULARITIES[name].below);
}

/** ISO week number of a calendar date. */
function weekNumber(year, month, day) {
  const thursday = new Date(Date.UTC(year, month, day));
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  return Math.ceil(((thursday.getTime() - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / DAY + 1) / 7);
}

const weekText = (year, week) => `${year}-W${String(week).padStart(2, '0')}`;

/**
 * Cohort of a time. Weeks have the calendar year of the date before their ISO number, so that the days around new year may
 * carry a year that is not the ISO one.
 * @param {keyof typeof GRANULARITIES} granularity
 * @param {number} time epoch ms
 */
export function cohortOf(granularity, time) {
  const date = new Date(time);
  const iso = date.toISOString();
  if (granularity === 'minute') return iso.slice(0, 16);
  if (granularity === 'hour') return iso.slice(0, 13);
  if (granularity === 'day') return iso.slice(0, 10);
  return weekText(date.getUTCFullYear(), weekNumber(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()));
}

/** Cohort that 13.6 computes for a week: UTC year, week of the local date. */
function localWeek(time) {
  const date = new Date(time);
  return weekText(date.getUTCFullYear(), weekNumber(date.getFullYear(), date.getMonth(), date.getDate()));
}

/** Whether a stored cohort may hold entries that are due at a time. */
export function mayBeDue(granularity, cohort, now) {
  if (!GRANULARITIES[granularity].form.test(cohort)) return false;
  if (granularity !== 'week') return cohort <= cohortOf(granularity, now);
  // Week numbers do not grow around new year; what is not due is skipped by its own time.
  const year = String(new Date(now).getUTCFullYear());
  if (cohort.slice(0, 4) !== year) return cohort.slice(0, 4) < year;
  const recent = [cohortOf('week', now), localWeek(now), cohortOf('week', now - 7 * DAY), localWeek(now - 7 * DAY)];
  return recent.some((each) => each.slice(0, 4) === year && cohort <= each);
}

/** First cohort that a sweep from a mark looks at: a little before it, for entries that were written late. */
export function startOf(granularity, mark) {
  if (granularity === 'week')
    return mark.slice(0, 4) === String(new Date().getUTCFullYear()) ? `${mark.slice(0, 4)}-W00` : mark.slice(0, 4);
  const { step, back } = GRANULARITIES[granularity];
  const time = Date.parse(granularity === 'minute' ? `${mark}:00Z` : granularity === 'hour' ? `${mark}:00:00Z` : `${mark}T00:00:00Z`);
  return Number.isNaN(time) ? '' : cohortOf(granularity, time - back * step);
}
