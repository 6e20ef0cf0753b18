// The cost of a policy. liveModel.evaluate computes sums of products of inputs, at their means or draw by draw;
// liveModel(data).totals(changes) adds the random counts and payments, with the draws of the Python package.
// The names are those of its modules.
const liveModel = (() => {
  'use strict';

  const SMOOTH_FROM = 8;  // from this standard deviation on, an expansion replaces the exact count

  // Adds products: a term is a number and the ids of its factors. A factor is a number, or one number per draw.
  function evaluate(terms, values, size) {
    const sums = new Float64Array(size);
    for (const [number, ids] of terms) {
      const products = new Float64Array(size).fill(number);
      for (const factor of ids.map(id => values[id])) {
        for (let k = 0; k < size; k++) products[k] *= typeof factor === 'number' ? factor : factor[k];
      }
      for (let k = 0; k < size; k++) sums[k] += products[k];
    }
    return sums;
  }

  // --- the numbers of the page ----------------------------------------------------------------------------

  // Returns coded numbers as shares from 0 to 1.
  function decode(text) {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt());
    return Float64Array.from(new Uint16Array(bytes.buffer), code => code / 65535);
  }

  function interpolate(row, place) {
    const left = Math.min(Math.floor(place), row.length - 2);
    return row[left] + (place - left) * (row[left + 1] - row[left]);
  }

  // --- random counts and sums -----------------------------------------------------------------------------

  const clip = (x, low, high) => Math.min(Math.max(x, low), high);

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

  function expandedCount(z, mean, variance, skewness, excess, most) {
    const quantile = cornishFisher(z, clip(skewness, -1, 1), clip(excess, -1, 1));
    return clip(Math.floor(mean + Math.sqrt(variance) * quantile + 0.5), 0, most);
  }

  // The smallest count whose distribution function reaches u. A fractional number of trials is a mixture of the
  // two whole numbers beside it: one trial more, with a smaller rate. A high rate is counted from the top.
  function searchedCount(u, trials, rate) {
    const whole = Math.floor(trials), upward = rate <= 0.5, likely = upward ? rate : 1 - rate;
    const odds = likely / (1 - likely), extra = (trials - whole) * rate, stays = upward ? 1 - extra : extra;
    let chance = Math.pow(1 - likely, whole), before = 0, sum = 0, k = 0;
    for (; k <= whole; k++) {
      sum += stays * chance + (1 - stays) * before;
      if (upward ? sum >= u : 1 - sum < u) break;
      before = chance;
      chance *= (whole - k) / (k + 1) * odds;
    }
    return upward ? Math.min(k, Math.ceil(trials)) : whole + 1 - k;
  }

  function binomialCount(z, u, trials, rate) {
    const variance = trials * rate * (1 - rate), skewness = (1 - 2 * rate) / Math.sqrt(variance);
    if (variance < SMOOTH_FROM * SMOOTH_FROM) return searchedCount(u, trials, rate);
    return expandedCount(
      z, trials * rate, variance, skewness, 1 / variance - 6 / Math.max(trials, 1), Math.ceil(trials)
    );
  }

  // The sum of a number of lognormal awards of mean 1.
  function awardSum(z, count, {counts, lowest, step, columns, rows}) {
    if (!count) return 0;
    const last = counts.length - 1, row = Math.max(counts.findLastIndex((n, at) => at < last && n <= count), 0);
    const down = last ? clip(Math.log(count / counts[row]) / Math.log(counts[row + 1] / counts[row]), 0, 1) : 0;
    const place = clip((z - lowest) / step, 0, columns - 1);
    const above = interpolate(rows[row], place), below = interpolate(rows[Math.min(row + 1, last)], place);
    return count * Math.exp(above * (1 - down) + below * down);
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
  function changed(values, change) {
    if (change.set !== undefined) return change.set;
    if (typeof values !== 'number') return values.map(value => changed(value, change));
    return change.times !== undefined ? values * change.times : change.odds * values / (1 - values + change.odds * values);
  }

  const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;

  // The odds by which rates must change so that their mean becomes the target.
  function oddsFor(rates, target) {
    let low = -40, high = 40;
    for (let n = 0; n < 50; n++) {
      const middle = (low + high) / 2;
      if (mean(changed(rates, {odds: Math.exp(middle)})) < target) low = middle; else high = middle;
    }
    return Math.exp(low);
  }

  // --- totals ---------------------------------------------------------------------------------------------

  // The distribution of a total: quantiles, and the chance of more than an amount.
  function distribution(totals) {
    const ordered = Float64Array.from(totals).sort(), size = ordered.length;
    const place = p => clip(Math.ceil(p * size - 1e-6), 1, size) - 1;
    return {place, quantile: p => ordered[place(p)], over: amount => totals.filter(total => total > amount).length / size};
  }

  function liveModel(data) {
    const draws = data.draws, inputs = {...data.fixed}, scores = {}, chances = {}, awards = {};
    const product = (ids, values) => evaluate([[1, ids]], values, draws);
    // The logarithms of quantiles of sums of awards: one row per number of awards, one column per score.
    for (const [spread, {codes, ends, columns, ...rest}] of Object.entries(data.awards)) {
      const shares = decode(codes), rows = ends.map(([low, high], row) =>
        shares.slice(row * columns, (row + 1) * columns).map(share => low + share * (high - low)));
      awards[spread] = {...rest, columns, rows};
    }
    for (const [id, {codes, table}] of Object.entries(data.inputs)) {
      inputs[id] = decode(codes).map(share => interpolate(table, share * (table.length - 1)));
    }
    for (const [name, codes] of Object.entries(data.scores)) {
      scores[name] = decode(codes).map(share => (2 * share - 1) * data.largest_score);
      chances[name] = scores[name].map(normalCdf);
    }
    // The share of the first band of a mix is 1 minus the shares of the other bands.
    for (const {mix, bands} of data.streams.filter(stream => stream.mix)) {
      const others = [];
      for (let band = bands - 1; band > 0; band--) others.push([-1, [`${mix}.${band}`]]);
      inputs[`${mix}.0`] = evaluate([[1, []], ...others], inputs, draws);
    }

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
        const shares = product([`${stream.mix}.${band}`], values);
        split[band] = shares.map((share, k) => binomialCount(z[k], u[k], left[k], leftShare[k] > share ? share / leftShare[k] : 1));
        for (let k = 0; k < draws; k++) {
          left[k] -= split[band][k];
          leftShare[k] -= shares[k];
        }
      }
      return split;
    }

    // What is paid to claims draw by draw. If a payment is a key of `apart`, its claims are counted there instead.
    function payments(stream, unit, counts, values, pays, scale, apart) {
      const name = `${stream.process}, ${unit.name}`, fixed = pays[unit.pays] ?? unit.fixed;
      if (unit.reviewed) {
        const award = product(stream.award ? [stream.award] : [], values), table = awards[stream.spread];
        return award.map((paid, k) =>
          unit.fixed * paid * (table ? awardSum(scores[`${name}, awards`][k], counts[k], table) : counts[k]));
      }
      const kept = apart[unit.pays];
      if (kept) counts.forEach((count, k) => { kept[k] += count; });
      const z = unit.share && unit.deviation ? scores[`${name}, losses`] : null;
      return counts.map((count, k) => (kept ? 0 : fixed * count) + (unit.share
        && unit.share * (z ? summedLosses(unit, count, scale[k], z[k]) : count * unit.loss)));
    }

    // The total of each draw, with changed inputs by id and changed payments by id of the tier.
    function totals(changes, pays, apart = {}) {
      const values = {...inputs}, sums = new Float64Array(draws);
      const add = paid => paid.forEach((amount, k) => { sums[k] += amount; });
      for (const [id, change] of Object.entries(changes)) values[id] = changed(inputs[id], change);
      for (const stream of data.streams) {
        add(evaluate(stream.certain, values, draws));
        const scale = product(stream.scales, values), rate = product(stream.rates, values);
        const split = stream.mix && stream.units.length
          && splitByBand(stream, accepted(stream, 'count', stream.trials, scale, rate), values);
        for (const unit of stream.units) {
          const counts = split && unit.band !== null
            ? split[unit.band] : accepted(stream, unit.name, unit.claims, scale, rate);
          add(payments(stream, unit, counts, values, pays, scale, apart));
        }
      }
      return sums;
    }

    return {
      totals,
      inputs,
      // For each draw: the number of claims per searched payment, and the cost of all other payments.
      parts(changes, pays, ids) {
        const counts = Object.fromEntries(ids.map(id => [id, new Float64Array(draws)]));
        return {base: totals(changes, pays, counts), counts};
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
