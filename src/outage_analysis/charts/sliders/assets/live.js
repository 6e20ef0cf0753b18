// The distribution of a total, recomputed from the draws in the page: liveModel(data).totals(changes).
// It repeats the simulation of the Python package; the names are those of its modules.
var liveModel = (function () {
  'use strict';

  var SMOOTH_FROM = 8;  // from this standard deviation on, an expansion replaces the exact count

  function decode(text) {
    var bytes = atob(text), codes = new Uint16Array(bytes.length / 2);
    for (var k = 0; k < codes.length; k++) {
      codes[k] = bytes.charCodeAt(2 * k) | bytes.charCodeAt(2 * k + 1) << 8;
    }
    return codes;
  }

  function inputValues(coded) {
    var codes = decode(coded.codes), table = coded.table, last = table.length - 1;
    var values = new Float64Array(codes.length);
    for (var k = 0; k < codes.length; k++) {
      var place = codes[k] / 65535 * last, left = Math.min(Math.floor(place), last - 1);
      values[k] = table[left] + (place - left) * (table[left + 1] - table[left]);
    }
    return values;
  }

  function scoreValues(text, largest) {
    var codes = decode(text), values = new Float64Array(codes.length);
    for (var k = 0; k < codes.length; k++) values[k] = (codes[k] / 65535 * 2 - 1) * largest;
    return values;
  }

  // The distribution function of the standard normal distribution (Marsaglia's series).
  function normalCdf(z) {
    var term = z, sum = z, square = z * z;
    for (var k = 3; Math.abs(term) > 1e-17 && k < 400; k += 2) {
      term *= square / k;
      sum += term;
    }
    return 0.5 + sum * Math.exp(-square / 2) / 2.5066282746310002;
  }

  function cornishFisher(z, skewness, excess) {
    var square = z * z;
    return z + skewness * (square - 1) / 6
      + z * (excess * (square - 3) / 24 - skewness * skewness * (2 * square - 5) / 36);
  }

  function clip(x, low, high) { return Math.min(Math.max(x, low), high); }

  function expanded(z, mean, variance, skewness, excess, most) {
    var quantile = cornishFisher(z, clip(skewness, -1, 1), clip(excess, -1, 1));
    return clip(Math.floor(mean + Math.sqrt(variance) * quantile + 0.5), 0, most);
  }

  // The smallest count whose distribution function reaches u. A fractional number of trials is a mixture of
  // the two whole numbers beside it.
  function searchedBinomial(u, trials, rate) {
    var whole = Math.floor(trials), part = trials - whole, most = Math.ceil(trials);
    if (rate <= 0 || most === 0) return 0;
    if (rate >= 1) return u <= 1 - part ? whole : most;
    if (rate > 0.5) return searchedFailures(u, whole, part, most, rate);
    var odds = rate / (1 - rate), first = Math.pow(1 - rate, whole), second = first * (1 - rate);
    var below = (1 - part) * first + part * second, count = 0;
    while (below < u && count < most) {
      first *= (whole - count) / (count + 1) * odds;
      second *= (whole + 1 - count) / (count + 1) * odds;
      below += (1 - part) * first + part * second;
      count += 1;
    }
    return count;
  }

  // The same for a high rate, counted from the top: few failures.
  function searchedFailures(u, whole, part, most, rate) {
    var odds = (1 - rate) / rate, first = Math.pow(rate, whole), second = first * rate;
    // `above` is the probability of more successes than `count`; it grows as the count falls.
    var count = whole + (part ? 1 : 0), above = 0, failed = 0;
    if (!part) {
      while (count > 0) {
        above += first;
        if (1 - above < u) return count;
        first *= (whole - failed) / (failed + 1) * odds;
        failed += 1;
        count -= 1;
      }
      return 0;
    }
    var other = 0;  // the probability that `failed - 1` of `whole` trials fail
    while (count > 0) {
      above += part * second + (1 - part) * other;
      if (1 - above < u) return count;
      second *= (whole + 1 - failed) / (failed + 1) * odds;
      other = failed === 0 ? first : other * (whole - failed + 1) / failed * odds;
      failed += 1;
      count -= 1;
    }
    return 0;
  }

  function binomialCount(z, u, trials, rate) {
    var refused = 1 - rate, variance = trials * rate * refused;
    if (variance < SMOOTH_FROM * SMOOTH_FROM) return searchedBinomial(u, trials, rate);
    return expanded(
      z, trials * rate, variance, (refused - rate) / Math.sqrt(variance),
      1 / variance - 6 / Math.max(trials, 1), Math.ceil(trials)
    );
  }

  function poissonCount(z, u, mean) {
    if (mean >= SMOOTH_FROM * SMOOTH_FROM) {
      return expanded(z, mean, mean, 1 / Math.sqrt(mean), 1 / mean, Infinity);
    }
    var chance = Math.exp(-mean), below = chance, count = 0;
    while (below < u && count < 400) {
      count += 1;
      chance *= mean / count;
      below += chance;
    }
    return count;
  }

  function awardTable(coded) {
    var codes = decode(coded.codes), columns = coded.columns;
    var rows = coded.ends.map(function (ends, row) {
      return Float64Array.from(codes.subarray(row * columns, (row + 1) * columns), function (code) {
        return ends[0] + code / 65535 * (ends[1] - ends[0]);
      });
    });
    return Object.assign({rows: rows}, coded);
  }

  // The sum of a number of lognormal awards of mean 1.
  function awardSum(z, count, awards) {
    if (!count) return 0;
    var counts = awards.counts, last = counts.length - 1, row = 0, high = last - 1;
    while (row < high) {
      var middle = (row + high + 1) >> 1;
      if (counts[middle] <= count) row = middle; else high = middle - 1;
    }
    var down = last ? clip(Math.log(count / counts[row]) / Math.log(counts[row + 1] / counts[row]), 0, 1) : 0;
    var columns = awards.columns - 1;
    var place = clip((z - awards.lowest) / awards.step, 0, columns), left = Math.min(Math.floor(place), columns - 1);
    var right = place - left, upper = awards.rows[row], lower = awards.rows[Math.min(row + 1, last)];
    var above = upper[left] * (1 - right) + upper[left + 1] * right;
    var below = lower[left] * (1 - right) + lower[left + 1] * right;
    return count * Math.exp(above * (1 - down) + below * down);
  }

  // The sum of the losses of accepted claims, a sample without replacement.
  function summedLosses(unit, count, scale, z, poisson) {
    var claims = unit.claims * scale, refused = Math.max(claims - count, 0), most = unit.most === null ? Infinity : unit.most;
    var finite = poisson ? 1 : refused / Math.max(claims - 1, 1), fraction = poisson ? 0 : count / Math.max(claims, 1);
    var quantile = cornishFisher(z, unit.skewness * (1 - 2 * fraction) / Math.sqrt(Math.max(count * finite, 1)), 0);
    var loss = count * unit.loss + unit.deviation * Math.sqrt(count * finite) * quantile;
    var low = count * unit.least, high = count * most;
    if (!poisson) {
      var whole = claims * unit.loss;
      low = Math.max(low, whole - (refused ? refused * most : 0));
      high = Math.min(high, whole - refused * unit.least);
    }
    return clip(loss, low, Math.max(low, high));
  }

  // A changed input: {set: value}, {times: factor} or {odds: factor}. The last two move its distribution.
  function changed(values, change) {
    if (!change) return values;
    if (change.set !== undefined) return change.set;
    if (typeof values === 'number') return moved(values, change);
    return values.map(function (value) { return moved(value, change); });
  }

  function moved(value, change) {
    if (change.odds === undefined) return value * change.times;
    return change.odds * value / (1 - value + change.odds * value);
  }

  return function (data) {
    var draws = data.draws, inputs = Object.assign({}, data.fixed), scores = {}, chances = {}, awards = {};
    Object.keys(data.awards).forEach(function (spread) { awards[spread] = awardTable(data.awards[spread]); });
    Object.keys(data.inputs).forEach(function (id) { inputs[id] = inputValues(data.inputs[id]); });
    Object.keys(data.scores).forEach(function (name) {
      scores[name] = scoreValues(data.scores[name], data.largest_score);
      chances[name] = scores[name].map(normalCdf);
    });

    // One array per draw of a product of inputs.
    function product(ids, values) {
      var result = new Float64Array(draws).fill(1);
      ids.forEach(function (id) {
        var factor = values[id], k;
        if (typeof factor === 'number') for (k = 0; k < draws; k++) result[k] *= factor;
        else for (k = 0; k < draws; k++) result[k] *= factor[k];
      });
      return result;
    }

    function accepted(stream, name, claims, scale, rate) {
      var z = scores[stream.process + ', ' + name], u = chances[stream.process + ', ' + name];
      var counts = new Float64Array(draws), most = stream.capacity === null ? Infinity : stream.capacity, k;
      if (stream.poisson) for (k = 0; k < draws; k++) counts[k] = poissonCount(z[k], u[k], claims * scale[k] * rate[k]);
      else for (k = 0; k < draws; k++) counts[k] = binomialCount(z[k], u[k], claims * scale[k], rate[k]);
      if (!stream.mix && most < Infinity) for (k = 0; k < draws; k++) counts[k] = Math.min(counts[k], most);
      return counts;
    }

    // Accepted claims fall into loss bands one after another, from the top band down.
    function splitByBand(stream, count, values) {
      var bands = stream.units.map(function (unit) { return unit.band === null ? Infinity : unit.band; });
      var lowest = Math.min.apply(null, bands), left = count.slice(), leftShare = new Float64Array(draws).fill(1);
      var split = {};
      for (var band = stream.bands - 1; band >= Math.max(lowest, 1); band--) {
        var name = stream.process + ', band ' + band + ' of ' + stream.mix, z = scores[name], u = chances[name];
        var shares = product([stream.mix + '.' + band], values);
        split[band] = new Float64Array(draws);
        for (var k = 0; k < draws; k++) {
          var chance = leftShare[k] > shares[k] ? shares[k] / leftShare[k] : 1;
          split[band][k] = binomialCount(z[k], u[k], left[k], chance);
          left[k] -= split[band][k];
          leftShare[k] -= shares[k];
        }
      }
      if (!lowest) split[0] = left;
      return split;
    }

    // The share of the first band of a mix is 1 minus the shares of the other bands.
    data.streams.forEach(function (stream) {
      if (!stream.mix) return;
      var rest = inputs[stream.mix + '.0'] = new Float64Array(draws).fill(1);
      for (var band = stream.bands - 1; band > 0; band--) {
        var shares = product([stream.mix + '.' + band], inputs);
        for (var k = 0; k < draws; k++) rest[k] -= shares[k];
      }
    });

    function addCertain(sums, stream, values, scale, rate) {
      stream.parts.forEach(function (part) {
        var ids = stream.mix && part.band !== null ? [stream.mix + '.' + part.band] : [];
        var factor = product(part.reviewed && stream.award ? ids.concat(stream.award) : ids, values);
        for (var k = 0; k < draws; k++) sums[k] += scale[k] * rate[k] * factor[k] * part.paid;
      });
    }

    // If a payment is a key of `apart`, its claims are counted in `apart` instead of being paid here.
    function addPayments(sums, stream, unit, counts, values, pays, scale, apart) {
      var name = stream.process + ', ' + unit.name, k;
      if (unit.reviewed) {
        var award = product(stream.award ? [stream.award] : [], values), table = awards[stream.spread];
        var z = scores[name + ', awards'];
        for (k = 0; k < draws; k++) {
          sums[k] += unit.fixed * award[k] * (table ? awardSum(z[k], counts[k], table) : counts[k]);
        }
        return;
      }
      var fixed = unit.pays && pays[unit.pays] !== undefined ? pays[unit.pays] : unit.fixed;
      if (unit.pays && apart[unit.pays]) for (k = 0; k < draws; k++) apart[unit.pays][k] += counts[k];
      else for (k = 0; k < draws; k++) sums[k] += fixed * counts[k];
      if (!unit.share) return;
      var losses = unit.deviation ? scores[name + ', losses'] : null;
      for (k = 0; k < draws; k++) {
        sums[k] += unit.share * (losses ? summedLosses(unit, counts[k], scale[k], losses[k], stream.poisson) : counts[k] * unit.loss);
      }
    }

    // The total of each draw, with changed inputs by id and changed payments by id of the tier.
    function totals(changes, pays, apart) {
      var values = {}, sums = new Float64Array(draws);
      Object.keys(inputs).forEach(function (id) { values[id] = changed(inputs[id], changes[id]); });
      data.streams.forEach(function (stream) {
        var scale = product(stream.scales, values), rate = product(stream.rates, values);
        if (stream.certain) {
          addCertain(sums, stream, values, scale, rate);
          return;
        }
        var split = stream.mix
          ? splitByBand(stream, accepted(stream, 'count', stream.trials, scale, rate), values) : null;
        stream.units.forEach(function (unit) {
          var counts = split && unit.band !== null
            ? split[unit.band] : accepted(stream, unit.name, unit.claims, scale, rate);
          addPayments(sums, stream, unit, counts, values, pays || {}, scale, apart || {});
        });
      });
      return sums;
    }

    // For each draw: the number of claims per searched payment, and the cost of all other payments.
    function parts(changes, pays, ids) {
      var counts = {};
      ids.forEach(function (id) { counts[id] = new Float64Array(draws); });
      return {base: totals(changes, pays, counts), counts: counts};
    }

    return {totals: totals, parts: parts, inputs: inputs, replicates: data.replicates};
  };
})();
