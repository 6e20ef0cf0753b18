// The cost of a policy. liveModel.evaluate computes sums of products of inputs, at their means or draw by draw;
// liveModel(data).totals(changes) adds the random counts and payments, with the draws of the Python package.
// The names are those of its modules.
var liveModel = (function () {
  'use strict';

  var SMOOTH_FROM = 8;  // from this standard deviation on, an expansion replaces the exact count

  // Adds products: a term is a number and the ids of its factors. A factor is a number, or one number per draw.
  function evaluate(terms, values, size) {
    var sums = new Float64Array(size);
    terms.forEach(function (term) {
      var products = new Float64Array(size).fill(term[0]), k;
      term[1].forEach(function (id) {
        var factor = values[id];
        for (k = 0; k < size; k++) products[k] *= typeof factor === 'number' ? factor : factor[k];
      });
      for (k = 0; k < size; k++) sums[k] += products[k];
    });
    return sums;
  }

  // --- the numbers of the page ----------------------------------------------------------------------------

  // Returns coded numbers as shares from 0 to 1.
  function decode(text) {
    var bytes = atob(text), shares = new Float64Array(bytes.length / 2);
    for (var k = 0; k < shares.length; k++) {
      shares[k] = (bytes.charCodeAt(2 * k) | bytes.charCodeAt(2 * k + 1) << 8) / 65535;
    }
    return shares;
  }

  function interpolate(row, place) {
    var left = Math.min(Math.floor(place), row.length - 2);
    return row[left] + (place - left) * (row[left + 1] - row[left]);
  }

  // Returns the logarithms of quantiles of sums of awards: one row per number of awards, one column per score.
  function awardRows(coded) {
    var codes = decode(coded.codes);
    return coded.ends.map(function (ends, row) {
      return codes.slice(row * coded.columns, (row + 1) * coded.columns).map(function (share) {
        return ends[0] + share * (ends[1] - ends[0]);
      });
    });
  }

  // --- random counts and sums -----------------------------------------------------------------------------

  function clip(x, low, high) { return Math.min(Math.max(x, low), high); }

  // The distribution function of the standard normal distribution (Marsaglia's series).
  function normalCdf(z) {
    var term = z, sum = z;
    for (var k = 3; Math.abs(term) > 1e-17 && k < 400; k += 2) {
      term *= z * z / k;
      sum += term;
    }
    return 0.5 + sum * Math.exp(-z * z / 2) / 2.5066282746310002;
  }

  function cornishFisher(z, skewness, excess) {
    var square = z * z;
    return z + skewness * (square - 1) / 6
      + z * (excess * (square - 3) / 24 - skewness * skewness * (2 * square - 5) / 36);
  }

  function expandedCount(z, mean, variance, skewness, excess, most) {
    var quantile = cornishFisher(z, clip(skewness, -1, 1), clip(excess, -1, 1));
    return clip(Math.floor(mean + Math.sqrt(variance) * quantile + 0.5), 0, most);
  }

  // The smallest count whose distribution function reaches u. A fractional number of trials is a mixture of the
  // two whole numbers beside it: one trial more, with a smaller rate. A high rate is counted from the top.
  function searchedCount(u, trials, rate) {
    var whole = Math.floor(trials), upward = rate <= 0.5, likely = upward ? rate : 1 - rate;
    var odds = likely / (1 - likely), extra = (trials - whole) * rate, stays = upward ? 1 - extra : extra;
    var chance = Math.pow(1 - likely, whole), before = 0, sum = 0;
    for (var k = 0; k <= whole; k++) {
      sum += stays * chance + (1 - stays) * before;
      if (upward ? sum >= u : 1 - sum < u) break;
      before = chance;
      chance *= (whole - k) / (k + 1) * odds;
    }
    return upward ? Math.min(k, Math.ceil(trials)) : whole + 1 - k;
  }

  function binomialCount(z, u, trials, rate) {
    var variance = trials * rate * (1 - rate);
    if (variance < SMOOTH_FROM * SMOOTH_FROM) return searchedCount(u, trials, rate);
    return expandedCount(
      z, trials * rate, variance, (1 - 2 * rate) / Math.sqrt(variance),
      1 / variance - 6 / Math.max(trials, 1), Math.ceil(trials)
    );
  }

  function poissonCount(z, u, mean) {
    if (mean >= SMOOTH_FROM * SMOOTH_FROM) {
      return expandedCount(z, mean, mean, 1 / Math.sqrt(mean), 1 / mean, Infinity);
    }
    var chance = Math.exp(-mean), below = chance, count = 0;
    while (below < u && count < 400) {
      count += 1;
      chance *= mean / count;
      below += chance;
    }
    return count;
  }

  // The sum of a number of lognormal awards of mean 1.
  function awardSum(z, count, awards) {
    if (!count) return 0;
    var counts = awards.counts, last = counts.length - 1, row = 0;
    while (row < last - 1 && counts[row + 1] <= count) row++;
    var down = last ? clip(Math.log(count / counts[row]) / Math.log(counts[row + 1] / counts[row]), 0, 1) : 0;
    var place = clip((z - awards.lowest) / awards.step, 0, awards.columns - 1);
    var above = interpolate(awards.rows[row], place), below = interpolate(awards.rows[Math.min(row + 1, last)], place);
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
      low = Math.max(low, claims * unit.loss - (refused ? refused * most : 0));
      high = Math.min(high, claims * unit.loss - refused * unit.least);
    }
    return clip(loss, low, Math.max(low, high));
  }

  // A changed input: {set: value}, {times: factor} or {odds: factor}. The last two move its distribution.
  function changed(values, change) {
    if (change.set !== undefined) return change.set;
    if (typeof values !== 'number') return values.map(function (value) { return changed(value, change); });
    return change.times !== undefined ? values * change.times : change.odds * values / (1 - values + change.odds * values);
  }

  function mean(values) {
    return values.reduce(function (sum, value) { return sum + value; }, 0) / values.length;
  }

  // The odds by which rates must change so that their mean becomes the target.
  function oddsFor(rates, target) {
    for (var low = -40, high = 40, n = 0; n < 50; n++) {
      var middle = (low + high) / 2;
      if (mean(changed(rates, {odds: Math.exp(middle)})) < target) low = middle; else high = middle;
    }
    return Math.exp(low);
  }

  // --- totals ---------------------------------------------------------------------------------------------

  // The distribution of a total: quantiles, and the chance of more than an amount.
  function distribution(totals) {
    var ordered = Float64Array.from(totals).sort(), size = ordered.length;
    function place(p) { return clip(Math.ceil(p * size - 1e-6), 1, size) - 1; }
    return {
      place: place,
      quantile: function (p) { return ordered[place(p)]; },
      over: function (amount) { return totals.filter(function (total) { return total > amount; }).length / size; }
    };
  }

  function liveModel(data) {
    var draws = data.draws, inputs = Object.assign({}, data.fixed), scores = {}, chances = {}, awards = {};
    Object.keys(data.awards).forEach(function (spread) {
      awards[spread] = Object.assign({rows: awardRows(data.awards[spread])}, data.awards[spread]);
    });
    Object.keys(data.inputs).forEach(function (id) {
      var table = data.inputs[id].table;
      inputs[id] = decode(data.inputs[id].codes).map(function (share) { return interpolate(table, share * (table.length - 1)); });
    });
    Object.keys(data.scores).forEach(function (name) {
      scores[name] = decode(data.scores[name]).map(function (share) { return (2 * share - 1) * data.largest_score; });
      chances[name] = scores[name].map(normalCdf);
    });
    // The share of the first band of a mix is 1 minus the shares of the other bands.
    data.streams.forEach(function (stream) {
      if (!stream.mix) return;
      var others = [];
      for (var band = stream.bands - 1; band > 0; band--) others.push([-1, [stream.mix + '.' + band]]);
      inputs[stream.mix + '.0'] = evaluate([[1, []]].concat(others), inputs, draws);
    });

    function accepted(stream, name, claims, scale, rate) {
      var z = scores[stream.process + ', ' + name], u = chances[stream.process + ', ' + name];
      var most = stream.capacity === null || stream.mix ? Infinity : stream.capacity;
      return scale.map(function (times, k) {
        var count = stream.poisson
          ? poissonCount(z[k], u[k], claims * times * rate[k]) : binomialCount(z[k], u[k], claims * times, rate[k]);
        return Math.min(count, most);
      });
    }

    // Accepted claims fall into loss bands one after another, from the top band down.
    function splitByBand(stream, count, values) {
      var left = count.slice(), leftShare = new Float64Array(draws).fill(1), split = {0: left};
      for (var band = stream.bands - 1; band > 0; band--) {
        var name = stream.process + ', band ' + band + ' of ' + stream.mix, z = scores[name], u = chances[name];
        if (!z) break;  // no lower band is paid
        var shares = evaluate([[1, [stream.mix + '.' + band]]], values, draws);
        split[band] = new Float64Array(draws);
        for (var k = 0; k < draws; k++) {
          var chance = leftShare[k] > shares[k] ? shares[k] / leftShare[k] : 1;
          split[band][k] = binomialCount(z[k], u[k], left[k], chance);
          left[k] -= split[band][k];
          leftShare[k] -= shares[k];
        }
      }
      return split;
    }

    // If a payment is a key of `apart`, its claims are counted in `apart` instead of being paid here.
    function addPayments(sums, stream, unit, counts, values, pays, scale, apart) {
      var name = stream.process + ', ' + unit.name, fixed = unit.pays in pays ? pays[unit.pays] : unit.fixed, k;
      if (unit.reviewed) {
        var award = evaluate([[unit.fixed, stream.award ? [stream.award] : []]], values, draws), table = awards[stream.spread];
        for (k = 0; k < draws; k++) {
          sums[k] += award[k] * (table ? awardSum(scores[name + ', awards'][k], counts[k], table) : counts[k]);
        }
        return;
      }
      if (unit.pays in apart) for (k = 0; k < draws; k++) apart[unit.pays][k] += counts[k];
      else for (k = 0; k < draws; k++) sums[k] += fixed * counts[k];
      if (!unit.share) return;
      var z = unit.deviation ? scores[name + ', losses'] : null;
      for (k = 0; k < draws; k++) {
        sums[k] += unit.share * (z ? summedLosses(unit, counts[k], scale[k], z[k], stream.poisson) : counts[k] * unit.loss);
      }
    }

    // The total of each draw, with changed inputs by id and changed payments by id of the tier.
    function totals(changes, pays, apart) {
      var values = Object.assign({}, inputs), sums = new Float64Array(draws);
      Object.keys(changes).forEach(function (id) { values[id] = changed(inputs[id], changes[id]); });
      data.streams.forEach(function (stream) {
        evaluate(stream.certain, values, draws).forEach(function (paid, k) { sums[k] += paid; });
        var scale = evaluate([[1, stream.scales]], values, draws), rate = evaluate([[1, stream.rates]], values, draws);
        var split = stream.mix && stream.units.length
          ? splitByBand(stream, accepted(stream, 'count', stream.trials, scale, rate), values) : null;
        stream.units.forEach(function (unit) {
          var counts = split && unit.band !== null
            ? split[unit.band] : accepted(stream, unit.name, unit.claims, scale, rate);
          addPayments(sums, stream, unit, counts, values, pays, scale, apart || {});
        });
      });
      return sums;
    }

    return {
      totals: totals,
      inputs: inputs,
      // For each draw: the number of claims per searched payment, and the cost of all other payments.
      parts: function (changes, pays, ids) {
        var counts = {};
        ids.forEach(function (id) { counts[id] = new Float64Array(draws); });
        return {base: totals(changes, pays, counts), counts: counts};
      },
      // How the draws of an input change so that its mean moves from one number to another.
      changeTo: function (id, target, from, isShare) {
        if (!isShare) return {times: target / from};
        if (target <= 0 || target >= 1) return {set: target};
        return {odds: oddsFor(inputs[id], clip(mean(inputs[id]) + target - from, 1e-9, 1 - 1e-9))};
      },
      // The mean of an input after a change, at the scale of the mean in the report.
      meanAfter: function (id, change, from) {
        return change.times ? from * change.times : from + mean(changed(inputs[id], change)) - mean(inputs[id]);
      }
    };
  }

  liveModel.evaluate = evaluate;
  liveModel.distribution = distribution;
  return liveModel;
})();
