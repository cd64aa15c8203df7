"""Sentences that rules and actions say and customers read on their pages, named here for the translators.

Where such a sentence is shown, the template asks for its translation as it comes. One that is missing here, or in a
catalogue of `fulfillment/locale`, is shown in English.
"""

from typing import Final

from django.utils.translation import gettext_noop

FROM_BELOW: Final = (
    # Sign-in links
    gettext_noop("This link was used. Each link opens the library once."),
    gettext_noop("A newer link was asked for, and took the place of this one."),
    gettext_noop("This link has expired. Sign-in links work for ten minutes."),
    gettext_noop("Please open this link in the browser in which you asked for it."),
    gettext_noop("The sign-in could not be finished."),
    gettext_noop("You signed in by another address than the one this library is of."),
    # Addresses
    gettext_noop("That is not one usable e-mail address."),
    gettext_noop("Several codes were mailed within the hour; please try again later."),
    gettext_noop("Several codes went to this address within the hour; please try again later."),
    gettext_noop("That is not the code, or it is no longer taken. Codes work for ten minutes and five tries."),
    gettext_noop("That is not the code. After five wrong ones the change has to be started anew."),
    gettext_noop("This address is no longer one of this customer's."),
    gettext_noop("This address cannot be used to recognise one person."),
    gettext_noop("There are as many addresses on record already as one customer may have."),
    gettext_noop("This customer was merged into another one."),
    gettext_noop("Mail goes to that address already."),
    gettext_noop("The address was changed several times within the hour; please try again later."),
    gettext_noop("This change of address is over: waiting for the code."),
    gettext_noop("This change of address is over: confirmed, veto possible."),
    gettext_noop("This change of address is over: in effect."),
    gettext_noop("This change of address is over: stopped by the customer."),
    gettext_noop("This change of address is over: replaced by a newer one."),
    gettext_noop("This change of address is over: never confirmed."),
    gettext_noop("This change of address is over: could not take effect."),
    gettext_noop("Thank you. We have to look at this by hand, and will come back to you."),
    gettext_noop("The address is yours now."),
    gettext_noop("The address is yours now, and what was bought with it stands in your library."),
    gettext_noop("Done. Mail goes to the new address from now on."),
    # Why something cannot be had
    gettext_noop("The seller withdrew it."),
    gettext_noop("The seller withdrew this link."),
    gettext_noop("A newer link took its place."),
    gettext_noop("A newer link was mailed to you."),
    gettext_noop("Its time is over."),
    gettext_noop("It is not available at the moment."),
    gettext_noop("Your order was refunded."),
    gettext_noop("It was refunded."),
    gettext_noop("A refund is under way. If it does not come about, this opens again."),
    gettext_noop("The payment is disputed at your bank. It opens again when that is settled."),
    gettext_noop("The payment was taken back by your bank."),
    gettext_noop("Your order was cancelled."),
    gettext_noop("It was taken off your order."),
    gettext_noop("The payment has not arrived."),
    # Services
    gettext_noop("We need a few answers from you before we begin."),
    gettext_noop("We have your answers and will be in touch."),
    gettext_noop("We are at work."),
    gettext_noop("It is done."),
    gettext_noop("It ended with your order."),
    gettext_noop("Answer the questions"),
    gettext_noop("Change your answers"),
    gettext_noop("See your answers"),
    gettext_noop("The work has begun, so that the answers stay as they are. Write to us if something changed."),
    gettext_noop("Please answer this."),
    gettext_noop("Please choose one of these."),
    gettext_noop("Please give a day, such as 2027-01-31."),
    gettext_noop("At most 10 characters, please."),
    gettext_noop("At most 200 characters, please."),
    gettext_noop("At most 300 characters, please."),
    gettext_noop("At most 5000 characters, please."),
    # How an order stands
    gettext_noop("Unpaid"),
    gettext_noop("Paid"),
    gettext_noop("Partially refunded"),
    gettext_noop("Refunded"),
    gettext_noop("Disputed"),
    gettext_noop("Failed"),
    # Codes
    gettext_noop("Please give the code and your e-mail address."),
    gettext_noop("This code takes something off the price: type it in at the checkout."),
    gettext_noop("There is no such code."),
    gettext_noop("This code was used as often as it may be."),
    gettext_noop("Somebody else took the last use meanwhile."),
    gettext_noop("This code was stopped."),
    gettext_noop("This code is not good yet."),
    gettext_noop("This code has expired."),
    gettext_noop("This code is not for this product."),
    gettext_noop("This code is for another currency."),
    gettext_noop("The order is too small for this code."),
    gettext_noop("Say which product it is for: give its SKU."),
)
