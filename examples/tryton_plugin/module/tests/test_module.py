# SPDX-License-Identifier: GPL-3.0-or-later
from trytond.tests.test_tryton import ModuleTestCase


class LeadlifeOpportunityTestCase(ModuleTestCase):
    "Test the module as Tryton tests every module: its views, its fields, its rights."

    module = "leadlife_opportunity"


del ModuleTestCase
