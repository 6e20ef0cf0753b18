// The cost of a policy as in Python: expected amounts, totals of draws, payments within a budget.
const SMOOTH_FROM = 8;  // from this standard deviation on, an expansion replaces the exact count

const clip = (x, low, high) => Math.min(Math.max(x, low), high);
const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
const product = (ids, value) => ids.reduce((result, id) => result * value(id), 1);

// A sum of products: each term is a number and the ids of its factors, with the value value(id).
function evaluate(terms, value) {
  return terms.reduce((sum, [number, ids]) => sum + number * product(ids, value), 0);
}

// The distribution of a total: quantiles, and the chance of more than an amount.
function distribution(totals) {
  const ordered = Float64Array.from(totals).sort(), size = ordered.length;
  const place = p => clip(Math.ceil(p * size - 1e-6), 1, size) - 1;
  const over = amount => ordered.filter(total => total > amount).length / size;
  return {place, over, quantile: p => ordered[place(p)]};
}

// The distribution function of the standard normal distribution (Marsaglia's series).
function normalCdf(z) {
  let sum = 0;
  for (let k = 1, term = z; Math.abs(term) > 1e-17; term *= z * z / (k += 2)) sum += term;
  return 0.5 + sum * Math.exp(-z * z / 2) / 2.5066282746310002;
}

function cornishFisher(z, skewness, excess) {
  const square = z * z, squared = skewness * skewness;
  const bent = excess * (square - 3) / 24 - squared * (2 * square - 5) / 36;
  return z + skewness * (square - 1) / 6 + z * bent;
}

function binomialCount(z, trials, rate) {
  const variance = trials * rate * (1 - rate), skewness = (1 - 2 * rate) / Math.sqrt(variance);
  if (variance < SMOOTH_FROM ** 2) return searchedCount(normalCdf(z), trials, rate);
  const score = cornishFisher(z, skewness, 1 / variance - 6 / trials);
  return clip(Math.floor(trials * rate + Math.sqrt(variance) * score + 0.5), 0, Math.ceil(trials));
}

// The smallest count whose distribution function reaches u. A fractional number of trials means
// one trial more, with a smaller rate. A high rate is counted by the failures.
function searchedCount(u, trials, rate) {
  const whole = Math.floor(trials), high = rate > 0.5, p = high ? 1 - rate : rate;
  const last = (trials - whole) * rate, extra = high ? 1 - last : last;
  let chance = Math.exp(whole * Math.log1p(-p)), before = 0, sum = 0, k = 0;
  for (; k <= whole; k++) {
    sum += (1 - extra) * chance + extra * before;
    if (high ? 1 - sum < u : sum >= u) break;
    before = chance;
    chance *= (whole - k) / (k + 1) * p / (1 - p);
  }
  return high ? whole + 1 - k : Math.min(k, Math.ceil(trials));
}

// The sum of a number of lognormal awards of mean 1. The table has logarithms of quantiles of the
// mean of so many awards: a row per number of awards, a column per score.
function awardSum(z, count, {counts, lowest, step, rows}) {
  if (!count) return 0;
  const row = counts.findLastIndex(n => n <= count), next = Math.min(row + 1, counts.length - 1);
  const place = clip((z - lowest) / step, 0, rows[0].length - 1.001), left = Math.floor(place);
  const at = row => row[left] + (place - left) * (row[left + 1] - row[left]);
  const down = Math.log(count / counts[row]) / (Math.log(counts[next] / counts[row]) || 1);
  return count * Math.exp(at(rows[row]) + down * (at(rows[next]) - at(rows[row])));
}

// The sum of the losses of accepted claims, a sample without replacement.
function summedLosses(z, count, claims, unit) {
  const refused = Math.max(claims - count, 0), most = unit.most ?? Number.MAX_VALUE;
  const finite = refused / Math.max(claims - 1, 1), fraction = count / Math.max(claims, 1);
  const skewness = unit.skewness * (1 - 2 * fraction) / Math.sqrt(Math.max(count * finite, 1));
  const deviations = Math.sqrt(count * finite) * cornishFisher(z, skewness, 0);
  const low = Math.max(count * unit.least, claims * unit.loss - refused * most);
  const high = Math.min(count * most, claims * unit.loss - refused * unit.least);
  return clip(count * unit.loss + unit.deviation * deviations, low, Math.max(low, high));
}

// What a term costs in one draw, given inputs, changed payments and normal scores by name.
function termCost(term, value, score) {
  const scale = product(term.scales, value), rate = product(term.rates, value), split = [];
  const accepted = (name, claims) => binomialCount(score(name), claims * scale, rate);
  // Accepted claims fall into loss bands, from the top band down; band 0 has the rest.
  split[0] = term.bands.length && accepted(term.count, term.trials);
  let leftShare = 1;
  for (const {band, input, name} of term.bands) {
    const share = value(input), chance = leftShare > share ? share / leftShare : 1;
    split[band] = binomialCount(score(name), split[0], chance);
    split[0] -= split[band];
    leftShare -= share;
  }
  return term.units.reduce((sum, unit) => {
    const {name, claims, loss} = unit, fixed = value(unit.pays) ?? unit.fixed;
    const drawn = unit.band === null ? accepted(name, claims) : split[unit.band];
    const count = Math.min(drawn, term.capacity ?? Infinity);
    if (unit.reviewed) {
      const awards = unit.awards ? awardSum(score(unit.awards), count, term.table) : count;
      return sum + fixed * product(term.award, value) * awards;
    }
    if (!unit.losses) return sum + count * (fixed + unit.share * loss);
    return sum + fixed * count
      + unit.share * summedLosses(score(unit.losses), count, claims * scale, unit);
  }, evaluate(term.certain, value));
}

// A changed input: {set: value}, {times: factor} or {odds: factor}. The last two move its draws.
function changed(values, {set, times = 1, odds}) {
  return values.map(x => set ?? (odds ? odds * x / (1 - x + odds * x) : x * times));
}

// The odds by which a rate must change in each draw so that its mean becomes the target.
function oddsFor(rates, target) {
  let low = -40, high = 40;
  for (let n = 0; n < 50; n++) {
    const middle = (low + high) / 2, reached = mean(changed(rates, {odds: Math.exp(middle)}));
    [low, high] = reached < target ? [middle, high] : [low, middle];
  }
  return Math.exp(low);
}

function costModel({draws, fixed, terms, ...coded}) {
  const each = (columns, make) => Object.fromEntries(
    Object.entries(columns).map(([id, x]) => [id, make(x, id)]));
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt()).buffer;
  const scores = each(coded.scores, text => {
    return Float64Array.from(new Int16Array(bytes(text)), z => z / coded.score_units);
  });
  const inputs = each(coded.inputs, ({most, codes}) => {
    return Float64Array.from(new Uint16Array(bytes(codes)), code => most * (code / 65535) ** 2);
  });

  // The total of each draw, with changes of inputs and of payments by id.
  function totals(changes) {
    const values = each(inputs, (column, id) => changed(column, changes[id] ?? {}));
    return Float64Array.from({length: draws}, (_, k) => {
      const value = id => values[id]?.[k] ?? changes[id]?.set ?? fixed[id];
      return terms.reduce((sum, term) => sum + termCost(term, value, id => scores[id][k]), 0);
    });
  }

  // Settings of sliders as changes: the draws of an input move so that their mean does.
  const setting = given => each(given, ({value, exactly}, id) => {
    const {mean: from, is_share: isShare} = coded.inputs[id] ?? {};
    if (exactly || !from) return {set: value};
    if (!isShare) return {times: value / from};
    return {odds: oddsFor(inputs[id], mean(inputs[id]) + value - from)};
  });

  // For each draw: the cost of all payments but the searched ones, and the numbers of their claims.
  function parts(changes, ids) {
    const none = {...changes, ...Object.fromEntries(ids.map(id => [id, {set: 0}]))};
    const base = totals(none), counts = ids.map(id => {
      return totals({...none, [id]: {set: 1}}).map((total, k) => Math.round(total - base[k]));
    });
    return {base, counts};
  }

  return {totals, setting, parts};
}

// The payments with the largest mean per accepted claim whose cost stays within a budget. There are
// one or two `payments`: the id, the weight, the largest amount or null, and the payments `below`
// and `above`, as ids or amounts. `values` has the current payments by id.
function findPayments({base, counts}, {budget, level, step, values, payments, most_tried}) {
  // A single payment stands beside one that nobody gets.
  const pair = [{weight: 0, largest: 0}, ...payments].slice(-2), ids = pair.map(x => x.id);
  const [one, other] = [base.map(() => 0), ...counts].slice(-2);
  const allowed = base.length - 1 - distribution(base).place(level);  // draws above the budget
  // The smallest and largest multiples of the step with which a higher loss is never paid less.
  const beside = (id, none) => ids.includes(id) ? none : (values[id] ?? id ?? none) / step;
  const low = pair.map(x => Math.ceil(beside(x.below, 0) * (1 - 1e-12))), high = pair.map(x => {
    return Math.floor(Math.min(beside(x.above, Infinity), (x.largest ?? Infinity) / step) + 1e-9);
  });
  const ordered = pair[1].below === ids[0];
  if (ordered) [low[1], high[0]] = [Math.max(...low), Math.min(...high)];
  if (low.some((n, k) => n > high[k])) return {refused: 'excluded'};

  // The largest multiple of the second payment within the budget, beside one of the first.
  function reach(first) {
    const most = base.map((rest, k) => {
      const left = budget - rest - first * step * one[k];
      return other[k] ? left / (step * other[k]) : left < 0 ? -1 : Infinity;
    });
    return Math.floor(most.sort()[allowed]);
  }

  function result(multiples, solved) {
    const paid = multiples.map(n => n * step);
    const of = distribution(base.map((rest, k) => rest + paid[0] * one[k] + paid[1] * other[k]));
    return {
      solved,
      limited: pair.some((x, k) => x.weight && multiples[k] < high[k]),
      quantile: of.quantile(level),
      chance: of.over(budget),
      payments: Object.fromEntries(ids.map((id, k) => [id, paid[k]]).slice(-payments.length))
    };
  }

  const candidates = [];
  for (let first = low[0]; first <= high[0]; first++) {
    const least = ordered ? Math.max(low[1], first) : low[1];
    const most = Math.min(high[1], reach(first));
    if (most < least) break;
    // A payment with an expected number of 0 claims does not affect the result: it stays low.
    candidates.push([first, pair[1].weight ? most : least]);
    if (candidates.at(-1)[1] === Infinity) return {refused: 'unlimited'};
    if (candidates.length > most_tried) return {refused: 'many'};
    if (!pair[0].weight) break;
  }
  const [weight, otherWeight] = pair.map(x => x.weight);
  const worth = ([n, m]) => Number(((n * weight + m * otherWeight) * step).toPrecision(9));
  const most = Math.max(...candidates.map(worth)), best = candidates.filter(x => worth(x) === most);
  // Among equally good candidates, choose the one with the smallest quantile, as `solve` does.
  const found = best.map(x => result(x, true)).sort((a, b) => a.quantile - b.quantile);
  return found[0] ?? result(low, false);
}
