(function () {
  'use strict';

  var OPTIONS = {
    ast: true, actions: false, defaultStyle: false, renderer: 'svg', tooltip: {disableDefaultStyle: true}
  };

  var dark = window.matchMedia('(prefers-color-scheme: dark)'), panel = null;

  // The colours of a chart on a dark page; colours in data stay, because such cells have their own text colour.
  function inPalette(spec, palette) {
    if (Array.isArray(spec)) return spec.map(function (part) { return inPalette(part, palette); });
    if (typeof spec === 'string') return palette[spec] || spec;
    if (!spec || typeof spec !== 'object') return spec;
    var copy = {};
    Object.keys(spec).forEach(function (key) {
      copy[key] = /^(datasets|values|data)$/.test(key) ? spec[key] : inPalette(spec[key], palette);
    });
    return copy;
  }

  function coloured(spec) {
    return dark.matches ? inPalette(spec, JSON.parse(document.getElementById('dark-palette').textContent)) : spec;
  }

  // A chart takes the width of its place, so it is drawn when its place is visible.
  function whenVisible(place, draw) {
    if (place.clientWidth) { draw(); return; }
    var watch = new ResizeObserver(function () {
      if (place.clientWidth) { watch.disconnect(); draw(); }
    });
    watch.observe(place);
  }

  // Charts of the total follow the sliders.
  function embed(place, spec) {
    return window.vegaEmbed(place, coloured(spec), OPTIONS).then(function (result) {
      if (panel && spec.datasets && spec.datasets.dots) panel.attach(place, result.view);
      return result;
    });
  }

  function charts() {
    document.querySelectorAll('script.charts').forEach(function (element) {
      var specs = JSON.parse(element.textContent);
      document.querySelectorAll('[data-chart]').forEach(function (place) {
        var spec = specs[place.dataset.chart];
        if (spec) whenVisible(place, function () {
          embed(place, spec);
          dark.addEventListener('change', function () { embed(place, spec); });
        });
      });
    });
  }

  // Views side by side have a width of their own: on a phone they stand in one column.
  function selection() {
    var place = document.getElementById('chart-linked');
    if (!place) return;
    var spec = JSON.parse(document.getElementById('linked-data').textContent), views = spec.vconcat[1];
    var columns = views.columns, shown = 0, last = null, width = window.matchMedia('(min-width: 780px)');
    function draw() {
      views.columns = width.matches ? columns : 1;
      if (views.columns === shown) return;
      shown = views.columns;
      if (last) last.finalize();
      embed(place, spec).then(function (result) {
        var lists = place.querySelector('.vega-bindings');  // Vega writes the list of the last view first
        if (lists) Array.from(lists.children).reverse().forEach(function (list) { lists.append(list); });
        last = result;
      });
    }
    whenVisible(place, function () {
      draw();
      width.addEventListener('change', draw);
    });
  }

  function sliders() {
    var element = document.getElementById('what-if-data');
    if (element) panel = window.whatIf(document.querySelector('.what-if'), JSON.parse(element.textContent), document.querySelector('.box'));
  }

  // Long tables: rows that contain the words of a search, and sorting by a column.
  function tables() {
    document.querySelectorAll('.search input').forEach(function (field) {
      var rows = Array.from(field.closest('label').nextElementSibling.querySelectorAll('tbody tr'));
      field.addEventListener('input', function () {
        var words = field.value.toLowerCase().split(/\s+/);
        rows.forEach(function (row) {
          var text = row.textContent.toLowerCase();
          row.hidden = !words.every(function (word) { return text.includes(word); });
        });
      });
    });
    document.querySelectorAll('table').forEach(function (table) {
      var body = table.tBodies[0];
      if (!body || body.rows.length < 6 || table.matches('.stack')) return;
      Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
        var button = document.createElement('button');
        button.type = 'button';
        button.append.apply(button, Array.from(head.childNodes));
        head.append(button);
        button.addEventListener('click', function () {
          var up = head.getAttribute('aria-sort') !== 'ascending';
          Array.from(table.tHead.rows[0].cells).forEach(function (cell) { cell.removeAttribute('aria-sort'); });
          head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
          var sorted = Array.from(body.rows).sort(function (a, b) { return order(a.cells[column], b.cells[column]); });
          body.append.apply(body, up ? sorted : sorted.reverse());
        });
      });
    });
  }

  function order(one, other) {
    var numbers = [one, other].map(function (cell) { return parseFloat(cell.textContent.replace(/,/g, '').replace('\u2212', '-')); });
    if (numbers.every(isFinite)) return numbers[0] - numbers[1];
    return one.textContent.localeCompare(other.textContent);
  }

  // A link to an appendix, or to a fact in it, opens the appendix.
  function opening() {
    function open() {
      var target = document.getElementById(decodeURIComponent(window.location.hash.slice(1)));
      for (var place = target; place; place = place.parentElement) if (place.matches('details')) place.open = true;
      if (target && target.closest('details')) target.scrollIntoView();
    }
    window.addEventListener('hashchange', open);
    open();
    // On a phone the list of contents starts closed.
    if (window.matchMedia('(max-width: 1339px)').matches) document.querySelector('nav details').open = false;
  }

  window.addEventListener('DOMContentLoaded', function () {
    sliders();
    tables();
    opening();
    if (!window.vegaEmbed) return;
    function draw() {
      charts();
      selection();
    }
    // Charts are laid out by the widths of their texts, so their font comes first.
    Promise.all(['400', '700'].map(function (weight) {
      return document.fonts.load(weight + ' 12px "Outage Sans"');
    })).then(draw, draw);
  });
})();
