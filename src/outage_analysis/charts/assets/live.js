// The cost of a policy. liveModel.evaluate computes sums of products of inputs, at their means or draw by draw;
// liveModel(data).totals(changes) adds the random counts and payments, with the draws of the Python package.
// The names are those of its modules.
const liveModel = (() => {
  'use strict';

  const SMOOTH_FROM = 8;  // from this standard deviation on, an expansion replaces the exact count

  const clip = (x, low, high) => Math.min(Math.max(x, low), high);
  const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;

  // Adds products: a term is a number and the ids of its factors. A factor is a number, or one number per draw.
  function evaluate(terms, values, size) {
    const sums = new Float64Array(size);
    for (const [number, ids] of terms) {
      const factors = ids.map(id => values[id]), times = k => (product, factor) => product * (factor[k] ?? factor);
      for (let k = 0; k < size; k++) sums[k] += factors.reduce(times(k), number);
    }
    return sums;
  }

  // --- random counts and sums -----------------------------------------------------------------------------

  // The distribution function of the standard normal distribution (Marsaglia's series).
  function normalCdf(z) {
    let term = z, sum = z;
    for (let k = 3; Math.abs(term) > 1e-17 && k < 400; k += 2) {
      term *= z * z / k;
      sum += term;
    }
    return 0.5 + sum * Math.exp(-z * z / 2) / 2.5066282746310002;
  }

  function cornishFisher(z, skewness, excess) {
    const square = z * z;
    return z + skewness * (square - 1) / 6
      + z * (excess * (square - 3) / 24 - skewness * skewness * (2 * square - 5) / 36);
  }

  // The smallest count whose distribution function reaches u. A fractional number of trials is a mixture of the
  // two whole numbers beside it: one trial more, with a smaller rate. A high rate is counted from the top.
  function binomialCount(z, u, trials, rate) {
    const variance = trials * rate * (1 - rate), most = Math.ceil(trials);
    if (variance >= SMOOTH_FROM ** 2) {
      const score = cornishFisher(z, (1 - 2 * rate) / Math.sqrt(variance), 1 / variance - 6 / trials);
      return clip(Math.floor(trials * rate + Math.sqrt(variance) * score + 0.5), 0, most);
    }
    const whole = Math.floor(trials), upward = rate <= 0.5, likely = upward ? rate : 1 - rate;
    const odds = likely / (1 - likely), extra = (trials - whole) * rate, stays = upward ? 1 - extra : extra;
    let chance = Math.exp(whole * Math.log1p(-likely)), before = 0, sum = 0, k = 0;
    for (; k <= whole; k++) {
      sum += stays * chance + (1 - stays) * before;
      if (upward ? sum >= u : 1 - sum < u) break;
      before = chance;
      chance *= (whole - k) / (k + 1) * odds;
    }
    return upward ? Math.min(k, most) : whole + 1 - k;
  }

  // The sum of a number of lognormal awards of mean 1. The table has logarithms of quantiles of such sums: a row per
  // number of awards, a column per score.
  function awardSum(z, count, {counts, lowest, step, rows}) {
    if (!count) return 0;
    const row = Math.max(counts.findLastIndex(n => n <= count), 0), next = Math.min(row + 1, counts.length - 1);
    const place = clip((z - lowest) / step, 0, rows[0].length - 1), left = Math.min(Math.floor(place), rows[0].length - 2);
    const [above, below] = [row, next].map(n => rows[n][left] + (place - left) * (rows[n][left + 1] - rows[n][left]));
    const down = next > row ? clip(Math.log(count / counts[row]) / Math.log(counts[next] / counts[row]), 0, 1) : 0;
    return count * Math.exp(above + down * (below - above));
  }

  // The sum of the losses of accepted claims, a sample without replacement.
  function summedLosses(unit, count, scale, z) {
    const claims = unit.claims * scale, refused = Math.max(claims - count, 0), most = unit.most ?? Infinity;
    const finite = refused / Math.max(claims - 1, 1), fraction = count / Math.max(claims, 1);
    const skewness = unit.skewness * (1 - 2 * fraction) / Math.sqrt(Math.max(count * finite, 1));
    const loss = count * unit.loss + unit.deviation * Math.sqrt(count * finite) * cornishFisher(z, skewness, 0);
    const low = Math.max(count * unit.least, claims * unit.loss - (refused ? refused * most : 0));
    const high = Math.min(count * most, claims * unit.loss - refused * unit.least);
    return clip(loss, low, Math.max(low, high));
  }

  // A changed input: {set: value}, {times: factor} or {odds: factor}. The last two move its distribution.
  function changed(values, {set, times, odds}) {
    if (set !== undefined) return set;
    return values.map(value => times === undefined ? odds * value / (1 - value + odds * value) : value * times);
  }

  // --- totals ---------------------------------------------------------------------------------------------

  // The distribution of a total: quantiles, and the chance of more than an amount.
  function distribution(totals) {
    const ordered = Float64Array.from(totals).sort(), size = ordered.length;
    const place = p => clip(Math.ceil(p * size - 1e-6), 1, size) - 1;
    return {place, quantile: p => ordered[place(p)], over: amount => totals.filter(total => total > amount).length / size};
  }

  function liveModel({draws, fixed, streams, awards, ...coded}) {
    const each = (columns, make) => Object.fromEntries(Object.entries(columns).map(([id, column]) => [id, make(column)]));
    const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt());
    const decoded = each(coded.inputs, ({most, codes}) => {
      return Float64Array.from(new Uint16Array(bytes(codes).buffer), code => most * (code / 65535) ** 2);
    });
    const inputs = {...each(fixed, value => new Float64Array(draws).fill(value)), ...decoded};
    const scores = each(coded.scores, text => Float64Array.from(new Int16Array(bytes(text).buffer), z => z / coded.score_units));
    const chances = each(scores, column => column.map(normalCdf));

    function accepted(stream, name, claims, scale, rate) {
      const z = scores[`${stream.process}, ${name}`], u = chances[`${stream.process}, ${name}`];
      const most = stream.mix ? Infinity : stream.capacity ?? Infinity;
      return scale.map((times, k) => Math.min(most, binomialCount(z[k], u[k], claims * times, rate[k])));
    }

    // Accepted claims fall into loss bands one after another, from the top band down.
    function splitByBand(stream, count, values) {
      const left = count.slice(), leftShare = new Float64Array(draws).fill(1), split = {0: left};
      for (let band = stream.bands - 1; band > 0; band--) {
        const name = `${stream.process}, band ${band} of ${stream.mix}`, z = scores[name], u = chances[name];
        if (!z) break;  // no lower band is paid
        split[band] = evaluate([[1, [`${stream.mix}.${band}`]]], values, draws).map((share, k) => {
          const among = binomialCount(z[k], u[k], left[k], leftShare[k] > share ? share / leftShare[k] : 1);
          left[k] -= among;
          leftShare[k] -= share;
          return among;
        });
      }
      return split;
    }

    // What one accepted claim after another is paid in a draw.
    function payment(stream, unit, fixed, award) {
      const name = `${stream.process}, ${unit.name}`, table = awards[stream.spread];
      if (unit.reviewed) {
        const z = scores[`${name}, awards`];
        return (count, scale, k) => unit.fixed * award[k] * (table ? awardSum(z[k], count, table) : count);
      }
      const z = unit.share && unit.deviation ? scores[`${name}, losses`] : null;
      const losses = (count, scale, k) => z ? summedLosses(unit, count, scale, z[k]) : count * unit.loss;
      return (count, scale, k) => fixed * count + (unit.share && unit.share * losses(count, scale, k));
    }

    // The total of each draw, with changed inputs by id and changed payments by id of the tier.
    function totals(changes, pays) {
      const values = {...inputs}, sums = new Float64Array(draws);
      const product = ids => evaluate([[1, ids]], values, draws);
      for (const [id, change] of Object.entries(changes)) values[id] = changed(inputs[id], change);
      for (const stream of streams) {
        const scale = product(stream.scales), rate = product(stream.rates), award = product(stream.award ? [stream.award] : []);
        const split = stream.mix && stream.units.length
          && splitByBand(stream, accepted(stream, 'count', stream.trials, scale, rate), values);
        evaluate(stream.certain, values, draws).forEach((amount, k) => { sums[k] += amount; });
        for (const unit of stream.units) {
          const counts = split && unit.band !== null ? split[unit.band] : accepted(stream, unit.name, unit.claims, scale, rate);
          const paid = payment(stream, unit, pays[unit.pays] ?? unit.fixed, award);
          counts.forEach((count, k) => { sums[k] += paid(count, scale[k], k); });
        }
      }
      return sums;
    }

    // The odds by which a rate must change in each draw so that its mean becomes the target.
    function oddsFor(rates, target) {
      let low = -40, high = 40;
      for (let n = 0; n < 50; n++) {
        const middle = (low + high) / 2;
        if (mean(changed(rates, {odds: Math.exp(middle)})) < target) low = middle; else high = middle;
      }
      return Math.exp(low);
    }

    return {
      totals,
      inputs,
      // For each draw: the number of claims per searched payment, and the cost of all other payments.
      parts(changes, pays, ids) {
        const none = Object.fromEntries(ids.map(id => [id, 0])), base = totals(changes, {...pays, ...none});
        const count = id => totals(changes, {...pays, ...none, [id]: 1}).map((total, k) => Math.round(total - base[k]));
        return {base, counts: Object.fromEntries(ids.map(id => [id, count(id)]))};
      },
      // How the draws of an input change so that its mean moves from one number to another.
      changeTo(id, target, from, isShare) {
        if (!isShare) return {times: target / from};
        if (target <= 0 || target >= 1) return {set: target};
        return {odds: oddsFor(inputs[id], clip(mean(inputs[id]) + target - from, 1e-9, 1 - 1e-9))};
      },
      // The mean of an input after a change, at the scale of the mean in the report.
      meanAfter(id, change, from) {
        return change.times ? from * change.times : from + mean(changed(inputs[id], change)) - mean(inputs[id]);
      }
    };
  }

  return Object.assign(liveModel, {evaluate, distribution});
})();
